-- Grain: one step in the life of one of our orders. Before schema 2 every order was a quote.
-- Inputs: order_event. Parameters: $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
select
    session,
    seq,
    local_ts,
    client_id,
    order_id,
    version,
    side,
    level,
    coalesce(purpose, 'entry') as purpose,
    coalesce(maker, true) as maker,
    what,
    exch_ts,
    price_ticks,
    qty_lots,
    detail
from order_event
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
order by local_ts, session, seq;
