-- Grain: one REST snapshot without its levels, in order of receipt, as one snapshot of the lake holds it.
-- Inputs: depth_snapshot. Parameters: $version, $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
select
    local_ts,
    last_update_id
from depth_snapshot at (version => $version) -- noqa: PRS,AL01,AL05,RF04
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
order by local_ts, last_update_id;
