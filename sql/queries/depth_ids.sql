-- Grain: one depth message without its levels, in order of receipt, as one snapshot of the lake holds it.
-- Inputs: depth_update. Parameters: $version, $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
select
    local_ts,
    exch_ts,
    first_update_id,
    final_update_id,
    prev_update_id
from depth_update at (version => $version) -- noqa: PRS,AL01,AL05,RF04
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
order by local_ts, final_update_id;
