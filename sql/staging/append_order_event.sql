-- Grain: order_event. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into order_event by name
select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.session,
    incoming.seq,
    incoming.local_ts,
    incoming.client_id,
    incoming.order_id,
    incoming.version,
    incoming.side,
    incoming.level,
    incoming.purpose,
    incoming.maker,
    incoming.what,
    incoming.exch_ts,
    incoming.price_ticks,
    incoming.qty_lots,
    incoming.detail
from incoming;
