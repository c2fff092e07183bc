-- Grain: quoted_size. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into quoted_size by name
select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.session,
    incoming.seq,
    incoming.local_ts,
    incoming.version,
    incoming.size_factor
from incoming;
