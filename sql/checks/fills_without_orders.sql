-- Returned rows are failures: an execution of ours whose order was never sent.
-- Parameters: $first_day, from which on to look at executions; an order may be older.
with recent as (
    select
        venue,
        symbol,
        session,
        order_id,
        trade_id
    from fill
    where day >= $first_day
)

select
    recent.venue,
    recent.symbol,
    recent.session,
    recent.order_id,
    recent.trade_id
from recent
where not exists (
    select 1
    from order_event
    where
        order_event.venue = recent.venue
        and order_event.symbol = recent.symbol
        and order_event.session = recent.session
        and order_event.order_id = recent.order_id
        and order_event.what = 'place'
);
