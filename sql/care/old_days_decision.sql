-- Grain: one venue, symbol and day of decision before $first_day.
-- Inputs: decision. Parameters: $first_day.
select
    'decision' as stored_in,
    venue,
    symbol,
    day,
    count(*) as dropped
from decision
where day < $first_day
group by venue, symbol, day
order by venue, symbol, day;
