-- Writes files anew of whose rows more than a tenth have been deleted.
-- Grain: one table that had such files.
select
    table_name,
    files_processed,
    files_created
from ducklake_rewrite_data_files('lake', delete_threshold => 0.1);
