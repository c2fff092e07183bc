-- Grain: one venue, symbol and UTC day with holes in its depth stream. Inputs: gap.
-- Parameters: $first_day, $end_day (exclusive), $venue and $symbol (null: every one).
select
    venue,
    symbol,
    day,
    count(*) as gaps
from gap
where
    stream = 'depth'
    and day >= $first_day
    and day < $end_day
    and ($venue::varchar is null or venue = $venue)
    and ($symbol::varchar is null or symbol = $symbol)
group by venue, symbol, day;
