-- Grain: one second of a version in the shadow.
-- Inputs: shadow_sample. Parameters: $venue, $symbol, $start_ns, $end_ns (the venue's time, both inclusive).
select
    session,
    shadow,
    version,
    ts,
    mid_ticks,
    sigma,
    regime,
    base_lots,
    quote_atoms
from shadow_sample
where
    venue = $venue
    and symbol = $symbol
    and ts between $start_ns and $end_ns
order by shadow, ts;
