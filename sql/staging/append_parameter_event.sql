-- Grain: parameter_event. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into parameter_event by name
select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.at_ns,
    incoming.what,
    incoming.from_version,
    incoming.to_version,
    incoming.who,
    incoming.reason,
    incoming.outcome
from incoming;
