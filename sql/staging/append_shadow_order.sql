-- Grain: shadow_order. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into shadow_order by name
select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.session,
    incoming.shadow,
    incoming.version,
    incoming.order_id,
    incoming.side,
    incoming.level,
    incoming.purpose,
    incoming.price_ticks,
    incoming.qty_lots,
    incoming.filled_lots,
    incoming.placed_ns,
    incoming.ended_ns,
    incoming.mid_ticks,
    incoming.regime,
    incoming.outcome
from incoming;
