-- Grain: one best bid/ask message, in order of receipt, as one snapshot of the lake holds it.
-- Inputs: book_ticker. Parameters: $version, $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
select
    local_ts,
    update_id,
    bid_ticks,
    bid_lots,
    ask_ticks,
    ask_lots
from book_ticker at (version => $version) -- noqa: PRS,AL01,AL05,RF04
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
order by local_ts, update_id;
