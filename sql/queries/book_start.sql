-- Grain: one row, the receive time of the last snapshot before a moment, null where there is none.
-- Inputs: depth_snapshot. Parameters: $venue, $symbol, $before_ns.
select max(local_ts) as local_ts
from depth_snapshot
where
    venue = $venue
    and symbol = $symbol
    and local_ts <= $before_ns;
