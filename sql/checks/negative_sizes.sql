-- Returned rows are failures: a price or size under zero, or a trade of nothing.
select
    venue,
    symbol,
    local_ts,
    'trade' as stored_in
from trade
where
    price_ticks <= 0
    or qty_lots <= 0
union all
select
    venue,
    symbol,
    local_ts,
    'depth_update' as stored_in
from depth_update
where list_min(list_concat(bid_ticks, bid_lots, ask_ticks, ask_lots)) < 0
union all
select
    venue,
    symbol,
    local_ts,
    'depth_snapshot' as stored_in
from depth_snapshot
where list_min(list_concat(bid_ticks, bid_lots, ask_ticks, ask_lots)) < 0;
