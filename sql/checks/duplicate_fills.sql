-- Returned rows are failures: one execution of ours stored more than once.
-- Parameters: $first_day, from which on to look.
select
    venue,
    symbol,
    session,
    trade_id,
    order_id,
    count(*) as copies
from fill
where day >= $first_day
group by venue, symbol, session, trade_id, order_id
having count(*) > 1;
