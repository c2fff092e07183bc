-- Grain: one order of ours that was sent to rest, with the venue's times of its beginning and its end.
-- joined_ns and cancelled_ns are null where the venue told no time of it. Inputs: order_event.
-- Parameters: $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
select
    session,
    order_id,
    any_value(side) as side,
    max(price_ticks) filter (where what = 'place') as price_ticks,
    max(qty_lots) filter (where what = 'place') as qty_lots,
    min(exch_ts) filter (where what = 'ack') as joined_ns,
    min(exch_ts) filter (where what = 'cancelled') as cancelled_ns
from order_event
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
    and coalesce(maker, true)
group by session, order_id
having bool_or(what = 'place') and not bool_or(what = 'reject')
order by joined_ns, session, order_id;
