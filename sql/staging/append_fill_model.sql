-- Grain: fill_model. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into fill_model by name
select
    incoming.venue,
    incoming.symbol,
    incoming.version,
    incoming.day,
    incoming.fitted_ns,
    incoming.content_hash,
    incoming.document
from incoming;
