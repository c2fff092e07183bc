-- Merges the small files of each partition of a table into one; what a snapshot says does not change.
-- Grain: one row when there was something to merge. Parameters: $table.
select
    files_processed,
    files_created
from ducklake_merge_adjacent_files('lake', $table);
