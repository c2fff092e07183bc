-- Returned rows are failures: a snapshot whose best bid is at or over its best ask.
-- Parameters: $first_day, from which on to look.
select
    venue,
    symbol,
    local_ts,
    last_update_id
from depth_snapshot
where
    day >= $first_day
    and list_max(bid_ticks) >= list_min(ask_ticks);
