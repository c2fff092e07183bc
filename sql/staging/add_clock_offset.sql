-- Grain: clock_offset. Inputs: incoming, rows of one symbol with the table's columns.
-- Adds the comparisons that the lake does not hold yet.
-- Parameters: $venue, $symbol.
insert into clock_offset by name
with held as (
    select local_ts
    from clock_offset
    where
        venue = $venue
        and symbol = $symbol
)

select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.local_ts,
    incoming.offset_ns,
    incoming.rtt_ns,
    incoming.samples
from incoming
where not exists (
    select 1
    from held
    where held.local_ts = incoming.local_ts
);
