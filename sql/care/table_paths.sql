-- Grain: one data file that holds current rows of a table. Inputs: the catalogue. Parameters: $table.
select
    data_file,
    data_file_size_bytes::bigint as bytes
from ducklake_list_files('lake', $table)
order by data_file;
