-- Returned rows are failures: one depth message stored more than once.
select
    venue,
    symbol,
    first_update_id,
    final_update_id,
    exch_ts,
    count(*) as copies
from depth_update
group by venue, symbol, first_update_id, final_update_id, exch_ts
having count(*) > 1;
