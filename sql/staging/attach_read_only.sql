-- Inputs: none. Attaches an existing lake for reading.
-- Parameters: $catalog, $data_path.
attach $catalog as lake (data_path $data_path, read_only); -- noqa: PRS
