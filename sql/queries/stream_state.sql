-- Grain: one row, what the rows of a symbol before a moment leave behind; null where there is none.
-- Inputs: depth_update, depth_snapshot, trade. Parameters: $venue, $symbol, $before_ns.
with last_depth as (
    select
        max_by(final_update_id, (local_ts, final_update_id)) as final_update_id,
        max_by(exch_ts, (local_ts, final_update_id)) as depth_exch_ts
    from depth_update
    where
        venue = $venue
        and symbol = $symbol
        and local_ts < $before_ns
),

last_trade as (
    select
        max_by(trade_id, (local_ts, trade_id)) as trade_id,
        max_by(exch_ts, (local_ts, trade_id)) as trade_exch_ts
    from trade
    where
        venue = $venue
        and symbol = $symbol
        and local_ts < $before_ns
),

books as (
    select count(*) as snapshots
    from depth_snapshot
    where
        venue = $venue
        and symbol = $symbol
        and local_ts < $before_ns
)

select
    last_depth.final_update_id,
    last_depth.depth_exch_ts,
    last_trade.trade_id,
    last_trade.trade_exch_ts,
    books.snapshots
from last_depth
cross join last_trade
cross join books;
