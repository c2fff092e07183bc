-- Grain: one row, first and last receive time of a symbol's market data in a window, null where there is none.
-- Inputs: depth_update, depth_snapshot, trade, book_ticker.
-- Parameters: $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
with received as (
    select
        min(local_ts) as first_ns,
        max(local_ts) as last_ns
    from depth_update
    where
        venue = $venue
        and symbol = $symbol
        and local_ts between $start_ns and $end_ns
    union all
    select
        min(local_ts) as first_ns,
        max(local_ts) as last_ns
    from depth_snapshot
    where
        venue = $venue
        and symbol = $symbol
        and local_ts between $start_ns and $end_ns
    union all
    select
        min(local_ts) as first_ns,
        max(local_ts) as last_ns
    from trade
    where
        venue = $venue
        and symbol = $symbol
        and local_ts between $start_ns and $end_ns
    union all
    select
        min(local_ts) as first_ns,
        max(local_ts) as last_ns
    from book_ticker
    where
        venue = $venue
        and symbol = $symbol
        and local_ts between $start_ns and $end_ns
)

select
    min(first_ns) as first_ns,
    max(last_ns) as last_ns
from received;
