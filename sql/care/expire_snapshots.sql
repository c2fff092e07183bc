-- Forgets snapshots: they can no longer be read, and what only they needed becomes a file to clean up.
-- Grain: one forgotten snapshot. Parameters: $versions, the ids; an empty list is refused by DuckLake.
select snapshot_id::bigint as snapshot_id
from ducklake_expire_snapshots('lake', versions => $versions);
