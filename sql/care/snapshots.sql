-- Grain: one snapshot of the lake that can still be read, oldest first. Inputs: the catalogue.
select
    snapshot_id::bigint as snapshot_id,
    epoch_ns(snapshot_time) as at_ns
from ducklake_snapshots('lake')
order by snapshot_id;
