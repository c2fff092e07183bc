-- Grain: one venue, symbol, UTC day and hour with market data: in how many of its minutes a message came.
-- Inputs: depth_update, trade, book_ticker.
-- Parameters: $first_day, $end_day (exclusive), $venue and $symbol (null: every one).
with minutes as (
    select distinct
        venue,
        symbol,
        day,
        local_ts // 60000000000 as epoch_minute
    from depth_update
    where
        day >= $first_day
        and day < $end_day
        and ($venue::varchar is null or venue = $venue)
        and ($symbol::varchar is null or symbol = $symbol)
    union
    select distinct
        venue,
        symbol,
        day,
        local_ts // 60000000000 as epoch_minute
    from trade
    where
        day >= $first_day
        and day < $end_day
        and ($venue::varchar is null or venue = $venue)
        and ($symbol::varchar is null or symbol = $symbol)
    union
    select distinct
        venue,
        symbol,
        day,
        local_ts // 60000000000 as epoch_minute
    from book_ticker
    where
        day >= $first_day
        and day < $end_day
        and ($venue::varchar is null or venue = $venue)
        and ($symbol::varchar is null or symbol = $symbol)
)

select
    venue,
    symbol,
    day,
    ((epoch_minute % 1440) // 60)::bigint as utc_hour,
    count(*) as covered_minutes
from minutes
group by venue, symbol, day, utc_hour
order by venue, symbol, day, utc_hour;
