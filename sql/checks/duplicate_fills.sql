-- Returned rows are failures: one execution of ours stored more than once.
select
    venue,
    symbol,
    session,
    trade_id,
    order_id,
    count(*) as copies
from fill
group by venue, symbol, session, trade_id, order_id
having count(*) > 1;
