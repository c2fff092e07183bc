-- Grain: one UTC day on which answers to our requests carried the venue's time. Inputs: order_event.
-- Parameters: $venue, $symbol.
select
    day,
    count(*) as answers
from order_event
where
    venue = $venue
    and symbol = $symbol
    and exch_ts is not null
group by day
order by day;
