-- Returned rows are failures: one depth message stored more than once.
-- Parameters: $first_day, from which on to look.
select
    venue,
    symbol,
    first_update_id,
    final_update_id,
    exch_ts,
    count(*) as copies
from depth_update
where day >= $first_day
group by venue, symbol, first_update_id, final_update_id, exch_ts
having count(*) > 1;
