-- Grain: book_ticker. Inputs: incoming, rows of one symbol with the table's columns.
-- Adds the rows that the lake does not hold yet: equal id and best prices are the same message, whoever received it.
-- Parameters: $venue, $symbol; $low and $high bound the incoming ids.
insert into book_ticker by name
with held as (
    select
        update_id,
        bid_ticks,
        bid_lots,
        ask_ticks,
        ask_lots
    from book_ticker
    where
        venue = $venue
        and symbol = $symbol
        and update_id between $low and $high
)

select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.local_ts,
    incoming.update_id,
    incoming.bid_ticks,
    incoming.bid_lots,
    incoming.ask_ticks,
    incoming.ask_lots
from incoming
where not exists (
    select 1
    from held
    where
        held.update_id = incoming.update_id
        and held.bid_ticks = incoming.bid_ticks
        and held.bid_lots = incoming.bid_lots
        and held.ask_ticks = incoming.ask_ticks
        and held.ask_lots = incoming.ask_lots
);
