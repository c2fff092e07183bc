-- Grain: depth_snapshot. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into depth_snapshot by name
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
from incoming;
