-- Grain: depth_snapshot. Inputs: incoming, rows of one symbol with the table's columns.
-- Adds the rows that the lake does not hold yet: one received at another time is another one.
-- Parameters: $venue, $symbol; $low and $high bound the incoming ids.
insert into depth_snapshot by name
with held as (
    select
        last_update_id,
        local_ts
    from depth_snapshot
    where
        venue = $venue
        and symbol = $symbol
        and last_update_id between $low and $high
)

select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.local_ts,
    incoming.last_update_id,
    incoming.bid_ticks,
    incoming.bid_lots,
    incoming.ask_ticks,
    incoming.ask_lots
from incoming
where not exists (
    select 1
    from held
    where
        held.last_update_id = incoming.last_update_id
        and held.local_ts = incoming.local_ts
);
