-- Returned rows are failures: one public trade stored more than once.
select
    venue,
    symbol,
    trade_id,
    exch_ts,
    count(*) as copies
from trade
group by venue, symbol, trade_id, exch_ts
having count(*) > 1;
