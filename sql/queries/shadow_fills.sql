-- Grain: one execution of a version in the shadow.
-- Inputs: shadow_fill. Parameters: $venue, $symbol, $start_ns, $end_ns (the venue's time, both inclusive).
select
    session,
    shadow,
    version,
    local_ts,
    exch_ts,
    trade_id,
    order_id,
    side,
    level,
    purpose,
    maker,
    price_ticks,
    qty_lots,
    fee_base_lots,
    fee_quote_atoms,
    mid_ticks,
    quoted_mid_ticks,
    quoted_regime
from shadow_fill
where
    venue = $venue
    and symbol = $symbol
    and exch_ts between $start_ns and $end_ns
order by shadow, exch_ts, trade_id;
