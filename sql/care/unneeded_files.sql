-- Grain: one file that no snapshot needs and that has been so since before $older_than (with time zone).
-- Parameters: $older_than.
select path
from ducklake_cleanup_old_files('lake', dry_run => true, older_than => $older_than);
