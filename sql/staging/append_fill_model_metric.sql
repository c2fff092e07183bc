-- Grain: fill_model_metric. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into fill_model_metric by name
select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.fill_model,
    incoming.source,
    incoming.metric,
    incoming.regime,
    incoming.value
from incoming;
