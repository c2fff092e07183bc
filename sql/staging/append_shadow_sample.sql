-- Grain: shadow_sample. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into shadow_sample by name
select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.session,
    incoming.shadow,
    incoming.version,
    incoming.ts,
    incoming.mid_ticks,
    incoming.sigma,
    incoming.regime,
    incoming.base_lots,
    incoming.quote_atoms
from incoming;
