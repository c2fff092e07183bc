-- Grain: depth_update. Inputs: incoming, rows of one symbol with the table's columns.
-- Adds the rows that the lake does not hold yet: equal ids and venue time are the same message, whoever received it.
-- Parameters: $venue, $symbol; $low and $high bound the incoming ids.
insert into depth_update by name
with held as (
    select
        final_update_id,
        first_update_id,
        exch_ts
    from depth_update
    where
        venue = $venue
        and symbol = $symbol
        and final_update_id between $low and $high
)

select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.local_ts,
    incoming.exch_ts,
    incoming.first_update_id,
    incoming.final_update_id,
    incoming.prev_update_id,
    incoming.bid_ticks,
    incoming.bid_lots,
    incoming.ask_ticks,
    incoming.ask_lots
from incoming
where not exists (
    select 1
    from held
    where
        held.final_update_id = incoming.final_update_id
        and held.first_update_id = incoming.first_update_id
        and held.exch_ts = incoming.exch_ts
);
