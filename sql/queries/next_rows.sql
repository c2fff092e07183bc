-- Grain: one row, the first depth update and the first trade after a moment; null where there is none.
-- Inputs: depth_update, trade. Parameters: $venue, $symbol, $after_ns.
with next_depth as (
    select
        min_by(first_update_id, (local_ts, final_update_id)) as first_update_id,
        min_by(final_update_id, (local_ts, final_update_id)) as final_update_id,
        min_by(prev_update_id, (local_ts, final_update_id)) as prev_update_id,
        min(local_ts) as depth_local_ts
    from depth_update
    where
        venue = $venue
        and symbol = $symbol
        and local_ts > $after_ns
),

next_trade as (
    select
        min_by(trade_id, (local_ts, trade_id)) as trade_id,
        min(local_ts) as trade_local_ts
    from trade
    where
        venue = $venue
        and symbol = $symbol
        and local_ts > $after_ns
)

select
    next_depth.*,
    next_trade.*
from next_depth
cross join next_trade;
