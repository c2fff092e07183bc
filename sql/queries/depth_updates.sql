-- Grain: one depth message, in order of receipt.
-- Inputs: depth_update. Parameters: $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
select
    local_ts,
    exch_ts,
    first_update_id,
    final_update_id,
    prev_update_id,
    bid_ticks,
    bid_lots,
    ask_ticks,
    ask_lots
from depth_update
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
order by local_ts, final_update_id;
