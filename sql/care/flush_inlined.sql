-- Moves rows that were small enough to be kept in the catalogue into files.
-- Grain: one table that had such rows.
select
    table_name,
    rows_flushed::bigint as moved
from ducklake_flush_inlined_data('lake');
