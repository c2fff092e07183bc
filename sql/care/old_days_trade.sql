-- Grain: one venue, symbol and day of trade before $first_day.
-- Inputs: trade. Parameters: $first_day.
select
    'trade' as stored_in,
    venue,
    symbol,
    day,
    count(*) as dropped
from trade
where day < $first_day
group by venue, symbol, day
order by venue, symbol, day;
