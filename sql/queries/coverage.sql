-- Grain: one row per venue and symbol with any market data. Inputs: depth_update, trade, gap.
with updates as (
    select
        venue,
        symbol,
        min(local_ts) as first_ns,
        max(local_ts) as last_ns,
        count(*) as updates,
        0 as trades
    from depth_update
    group by venue, symbol
),

executions as (
    select
        venue,
        symbol,
        min(local_ts) as first_ns,
        max(local_ts) as last_ns,
        0 as updates,
        count(*) as trades
    from trade
    group by venue, symbol
),

streams as (
    select * from updates
    union all
    select * from executions
),

holes as (
    select
        venue,
        symbol,
        count(*) as gaps
    from gap
    group by venue, symbol
)

select
    streams.venue,
    streams.symbol,
    min(streams.first_ns) as first_ns,
    max(streams.last_ns) as last_ns,
    sum(streams.updates)::bigint as updates,
    sum(streams.trades)::bigint as trades,
    coalesce(any_value(holes.gaps), 0) as gaps
from streams
left join holes
    on
        streams.venue = holes.venue
        and streams.symbol = holes.symbol
group by streams.venue, streams.symbol
order by streams.venue, streams.symbol;
