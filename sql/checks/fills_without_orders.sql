-- Returned rows are failures: an execution of ours whose order was never sent.
select
    fill.venue,
    fill.symbol,
    fill.session,
    fill.order_id,
    fill.trade_id
from fill
where not exists (
    select 1
    from order_event
    where
        order_event.venue = fill.venue
        and order_event.symbol = fill.symbol
        and order_event.session = fill.session
        and order_event.order_id = fill.order_id
        and order_event.what = 'place'
);
