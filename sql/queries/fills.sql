-- Grain: one execution of ours. Before schema 2 every order was a quote that rested.
-- Inputs: fill. Parameters: $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
select
    session,
    seq,
    local_ts,
    exch_ts,
    trade_id,
    order_id,
    version,
    side,
    level,
    coalesce(purpose, 'entry') as purpose,
    coalesce(maker, true) as maker,
    price_ticks,
    qty_lots,
    fee_base_lots,
    fee_quote_atoms,
    mid_ticks,
    quoted_mid_ticks,
    quoted_regime
from fill
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
order by local_ts, trade_id;
