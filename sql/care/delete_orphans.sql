-- Deletes files that the catalogue does not know, last written before $older_than: a writer was killed.
-- Grain: one deleted file. Parameters: $older_than.
select path
from ducklake_delete_orphaned_files('lake', older_than => $older_than);
