-- Grain: gap. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into gap by name
select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.stream,
    incoming.local_ts,
    incoming.expected_id,
    incoming.got_id,
    incoming.reason
from incoming;
