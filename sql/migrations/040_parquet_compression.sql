-- Grain: none. New files are compressed with zstd: a level change of depth takes 3.8 bytes where snappy took 6.5.
call ducklake_set_option('lake', 'parquet_compression', 'zstd'); -- noqa: PRS
