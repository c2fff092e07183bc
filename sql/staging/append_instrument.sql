-- Grain: instrument. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into instrument by name
select
    incoming.venue,
    incoming.symbol,
    incoming.tick_size,
    incoming.lot_size,
    incoming.min_qty,
    incoming.min_notional,
    incoming.source
from incoming;
