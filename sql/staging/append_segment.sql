-- Grain: segment. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into segment by name
select
    incoming.venue,
    incoming.symbol,
    incoming.name,
    incoming.start_offset,
    incoming.end_offset,
    incoming.lines,
    incoming.bad_lines,
    incoming.first_local_ts,
    incoming.last_local_ts,
    incoming.ingested_at
from incoming;
