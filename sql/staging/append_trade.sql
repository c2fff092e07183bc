-- Grain: trade. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into trade by name
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
from incoming;
