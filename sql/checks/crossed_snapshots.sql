-- Returned rows are failures: a snapshot whose best bid is at or over its best ask.
select
    venue,
    symbol,
    local_ts,
    last_update_id
from depth_snapshot
where list_max(bid_ticks) >= list_min(ask_ticks);
