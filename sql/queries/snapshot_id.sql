-- Grain: one row, the id of the latest committed snapshot of the lake.
select max(snapshot_id) as snapshot_id
from ducklake_snapshots('lake');
