-- Grain: one decision of a live session.
-- Inputs: decision. Parameters: $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
select
    session,
    seq,
    local_ts,
    version,
    mid_ticks,
    reference_ticks,
    sigma,
    regime,
    bid_enabled,
    ask_enabled,
    reasons,
    coalesce(kill, '') as kill, -- noqa: RF04
    coalesce(positions, 0) as positions,
    bid_bps,
    ask_bps,
    base_lots,
    quote_atoms,
    want_bid_ticks,
    want_bid_lots,
    want_ask_ticks,
    want_ask_lots,
    rest_bid_ticks,
    rest_bid_lots,
    rest_ask_ticks,
    rest_ask_lots
from decision
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
order by local_ts, session, seq;
