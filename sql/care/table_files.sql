-- Grain: one table of the lake: how many data files hold its current rows, and their bytes (delete files included).
-- Inputs: the catalogue.
select
    table_name,
    (file_count + delete_file_count)::bigint as files,
    (file_size_bytes + delete_file_size_bytes)::bigint as bytes
from ducklake_table_info('lake')
order by table_name;
