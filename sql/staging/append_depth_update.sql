-- Grain: depth_update. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into depth_update by name
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
from incoming;
