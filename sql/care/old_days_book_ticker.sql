-- Grain: one venue, symbol and day of book_ticker before $first_day.
-- Inputs: book_ticker. Parameters: $first_day.
select
    'book_ticker' as stored_in,
    venue,
    symbol,
    day,
    count(*) as dropped
from book_ticker
where day < $first_day
group by venue, symbol, day
order by venue, symbol, day;
