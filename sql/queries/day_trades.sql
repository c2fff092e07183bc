-- Grain: one venue, symbol and UTC day with trades. A hole is a place where ids skip; where they begin anew at or under
-- the last one there is none.
-- Inputs: trade.
-- Parameters: $first_day, $end_day (exclusive), $venue and $symbol (null: every one).
with steps as (
    select
        venue,
        symbol,
        day,
        trade_id - lag(trade_id) over (
            partition by venue, symbol
            order by exch_ts, trade_id
        ) as step
    from trade
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
    count(*) as trades,
    count(*) filter (where step > 1) as trade_holes,
    coalesce(sum(step - 1) filter (where step > 1), 0)::bigint as trades_missing
from steps
group by venue, symbol, day;
