-- Returned rows are failures: a price or size under zero, or a trade of nothing.
-- Parameters: $first_day, from which on to look.
select
    venue,
    symbol,
    local_ts,
    'trade' as stored_in
from trade
where
    day >= $first_day
    and (price_ticks <= 0 or qty_lots <= 0)
union all
select
    venue,
    symbol,
    local_ts,
    'depth_update' as stored_in
from depth_update
where
    day >= $first_day
    and list_min(list_concat(bid_ticks, bid_lots, ask_ticks, ask_lots)) < 0
union all
select
    venue,
    symbol,
    local_ts,
    'depth_snapshot' as stored_in
from depth_snapshot
where
    day >= $first_day
    and list_min(list_concat(bid_ticks, bid_lots, ask_ticks, ask_lots)) < 0;
