-- Grain: one order of a version in the shadow.
-- Inputs: shadow_order. Parameters: $venue, $symbol, $start_ns, $end_ns (the venue's time, both inclusive).
select
    session,
    shadow,
    version,
    order_id,
    side,
    level,
    purpose,
    price_ticks,
    qty_lots,
    filled_lots,
    placed_ns,
    ended_ns,
    mid_ticks,
    regime,
    outcome
from shadow_order
where
    venue = $venue
    and symbol = $symbol
    and placed_ns between $start_ns and $end_ns
order by shadow, placed_ns, order_id;
