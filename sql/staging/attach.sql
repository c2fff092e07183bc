-- Inputs: none. Attaches the lake for reading and writing, and makes it when it does not exist.
-- Parameters: $catalog, $data_path.
attach $catalog as lake (data_path $data_path); -- noqa: PRS
