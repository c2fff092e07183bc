-- Grain: trade. Inputs: incoming, rows of one symbol with the table's columns.
-- Adds the rows that the lake does not hold yet: equal id and venue time are the same trade, whoever received it.
-- Parameters: $venue, $symbol; $low and $high bound the incoming ids.
insert into trade by name
with held as (
    select
        trade_id,
        exch_ts
    from trade
    where
        venue = $venue
        and symbol = $symbol
        and trade_id between $low and $high
)

select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.local_ts,
    incoming.exch_ts,
    incoming.trade_id,
    incoming.side,
    incoming.price_ticks,
    incoming.qty_lots
from incoming
where not exists (
    select 1
    from held
    where
        held.trade_id = incoming.trade_id
        and held.exch_ts = incoming.exch_ts
);
