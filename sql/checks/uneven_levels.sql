-- Returned rows are failures: a depth message whose prices and sizes do not pair up.
-- Parameters: $first_day, from which on to look.
select
    venue,
    symbol,
    local_ts,
    final_update_id
from depth_update
where
    day >= $first_day
    and (len(bid_ticks) <> len(bid_lots) or len(ask_ticks) <> len(ask_lots));
