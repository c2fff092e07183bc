-- Inputs: none. Attaches an existing lake for reading as it was at one of its snapshots.
-- Parameters: $catalog, $data_path, $snapshot.
attach $catalog as lake (data_path $data_path, read_only, snapshot_version $snapshot); -- noqa: PRS
