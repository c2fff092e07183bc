-- Grain: one row per order of ours that was sent in a window, with how it ended. Inputs: order_event, fill.
-- outcome: open | filled | cancelled | rejected.
-- Parameters: $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
with steps as (
    select
        session,
        order_id,
        any_value(client_id) as client_id,
        any_value(version) as version, -- noqa: RF04
        any_value(side) as side,
        any_value(level) as level, -- noqa: RF04
        coalesce(any_value(purpose), 'entry') as purpose,
        coalesce(any_value(maker), true) as maker,
        max(price_ticks) as price_ticks,
        max(qty_lots) filter (where what = 'place') as qty_lots,
        min(local_ts) filter (where what = 'place') as placed_ns,
        max(local_ts) as last_ns,
        bool_or(what = 'reject') as rejected,
        bool_or(what = 'cancelled') as cancelled
    from order_event
    where
        venue = $venue
        and symbol = $symbol
        and local_ts between $start_ns and $end_ns
    group by session, order_id
),

executions as (
    select
        session,
        order_id,
        sum(qty_lots) as filled_lots,
        max(local_ts) as last_ns
    from fill
    where
        venue = $venue
        and symbol = $symbol
        and local_ts between $start_ns and $end_ns
    group by session, order_id
)

select
    steps.session,
    steps.order_id,
    steps.client_id,
    steps.version,
    steps.side,
    steps.level,
    steps.purpose,
    steps.maker,
    steps.price_ticks,
    steps.qty_lots,
    steps.placed_ns,
    coalesce(executions.filled_lots, 0)::bigint as filled_lots,
    greatest(steps.last_ns, coalesce(executions.last_ns, 0)) as ended_ns,
    case
        when steps.rejected then 'rejected'
        when coalesce(executions.filled_lots, 0) >= steps.qty_lots then 'filled'
        when steps.cancelled then 'cancelled'
        else 'open'
    end as outcome
from steps
left join executions
    on
        steps.session = executions.session
        and steps.order_id = executions.order_id
where steps.placed_ns is not null
order by steps.placed_ns, steps.session, steps.order_id;
