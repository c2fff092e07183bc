-- Grain: one public trade, in order of receipt, as one snapshot of the lake holds it.
-- Inputs: trade. Parameters: $version, $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
select
    local_ts,
    exch_ts,
    trade_id,
    side,
    price_ticks,
    qty_lots
from trade at (version => $version) -- noqa: PRS,AL01,AL05,RF04
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
order by local_ts, trade_id;
