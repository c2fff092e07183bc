-- Deletes the files that no snapshot has needed since before $older_than (with time zone).
-- Grain: one deleted file. Parameters: $older_than.
select path
from ducklake_cleanup_old_files('lake', older_than => $older_than);
