-- Grain: none. Level 9 of zstd: a fifteenth smaller than 3, at the same speed of ingest.
call ducklake_set_option('lake', 'parquet_compression_level', 9); -- noqa: PRS
