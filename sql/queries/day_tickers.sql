-- Grain: one venue, symbol and UTC day with best bids and asks. One of them holds until the next, at most for a minute.
-- Inputs: book_ticker.
-- Parameters: $first_day, $end_day (exclusive), $venue and $symbol (null: every one).
with held as (
    select
        venue,
        symbol,
        day,
        bid_ticks >= ask_ticks and bid_lots > 0 and ask_lots > 0 as crossed,
        least(lead(local_ts) over (
            partition by venue, symbol
            order by local_ts, update_id
        ) - local_ts, 60000000000) as held_ns
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
    count(*) as tickers,
    coalesce(sum(held_ns) filter (where crossed), 0) / 1e9 as crossed_s
from held
group by venue, symbol, day;
