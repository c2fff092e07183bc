-- Grain: daily_metric. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into daily_metric by name
select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.version,
    incoming.source,
    incoming.metric,
    incoming.regime,
    incoming.value
from incoming;
