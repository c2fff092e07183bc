-- Returned rows are failures: one public trade stored more than once.
-- Parameters: $first_day, from which on to look.
select
    venue,
    symbol,
    trade_id,
    exch_ts,
    count(*) as copies
from trade
where day >= $first_day
group by venue, symbol, trade_id, exch_ts
having count(*) > 1;
