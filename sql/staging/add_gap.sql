-- Grain: gap. Inputs: incoming, rows of one symbol with the table's columns.
-- Adds the holes that the lake does not know yet.
-- Parameters: $venue, $symbol.
insert into gap by name
with held as (
    select
        stream,
        expected_id,
        got_id
    from gap
    where
        venue = $venue
        and symbol = $symbol
)

select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.stream,
    incoming.local_ts,
    incoming.expected_id,
    incoming.got_id,
    incoming.reason
from incoming
where not exists (
    select 1
    from held
    where
        held.stream = incoming.stream
        and held.expected_id = incoming.expected_id
        and held.got_id = incoming.got_id
);
