-- Grain: one row, the receive time of the last snapshot before a moment as one snapshot of the lake holds it, or null.
-- Inputs: depth_snapshot. Parameters: $version, $venue, $symbol, $before_ns.
select max(local_ts) as local_ts
from depth_snapshot at (version => $version) -- noqa: PRS,AL01,AL05,RF04
where
    venue = $venue
    and symbol = $symbol
    and local_ts <= $before_ns;
