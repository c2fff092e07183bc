-- Returned rows are failures: an order of ours that filled for more than was sent.
-- Parameters: $first_day: sessions with an execution since then are looked at, whole.
with recent as (
    select distinct session
    from fill
    where day >= $first_day
),

filled as (
    select
        venue,
        symbol,
        session,
        order_id,
        sum(qty_lots) as filled_lots
    from fill
    where
        session in (
            select recent.session
            from recent
        )
    group by venue, symbol, session, order_id
),

sent as (
    select
        venue,
        symbol,
        session,
        order_id,
        max(qty_lots) as qty_lots
    from order_event
    where what = 'place'
    group by venue, symbol, session, order_id
)

select
    filled.venue,
    filled.symbol,
    filled.session,
    filled.order_id,
    filled.filled_lots,
    sent.qty_lots
from filled
inner join sent
    on
        filled.venue = sent.venue
        and filled.symbol = sent.symbol
        and filled.session = sent.session
        and filled.order_id = sent.order_id
where filled.filled_lots > sent.qty_lots;
