-- Returned rows are failures: market data filed under another day than the UTC day of its receipt.
-- Parameters: $first_day, from which on to look.
with stamps as (
    select
        'depth_update' as stored_in,
        venue,
        symbol,
        day,
        local_ts
    from depth_update
    where day >= $first_day
    union all
    select
        'depth_snapshot' as stored_in,
        venue,
        symbol,
        day,
        local_ts
    from depth_snapshot
    where day >= $first_day
    union all
    select
        'trade' as stored_in,
        venue,
        symbol,
        day,
        local_ts
    from trade
    where day >= $first_day
    union all
    select
        'book_ticker' as stored_in,
        venue,
        symbol,
        day,
        local_ts
    from book_ticker
    where day >= $first_day
)

select
    stored_in,
    venue,
    symbol,
    day,
    local_ts
from stamps
where make_timestamp_ns(local_ts)::date <> day;
