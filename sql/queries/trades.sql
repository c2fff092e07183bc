-- Grain: one public trade, in the venue's order.
-- Inputs: trade. Parameters: $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
select
    local_ts,
    exch_ts,
    trade_id,
    side,
    price_ticks,
    qty_lots
from trade
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
order by exch_ts, trade_id;
