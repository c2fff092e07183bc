-- Grain: one stretch of receive time without a known book: from the last depth update before a hole to the snapshot
-- after it, null where none has come; holes before the same snapshot are one.
-- Inputs: gap, depth_update, depth_snapshot.
-- Parameters: $first_day, $end_day (exclusive), $venue and $symbol (null: every one).
with holes as (
    select
        venue,
        symbol,
        local_ts
    from gap
    where
        stream = 'depth'
        and day >= $first_day
        and day < $end_day
        and ($venue::varchar is null or venue = $venue)
        and ($symbol::varchar is null or symbol = $symbol)
),

begun as (
    select
        holes.venue,
        holes.symbol,
        holes.local_ts,
        coalesce(depth_update.local_ts, holes.local_ts) as start_ns
    from holes
    asof left join depth_update
        on
            holes.venue = depth_update.venue
            and holes.symbol = depth_update.symbol
            and holes.local_ts > depth_update.local_ts
)

select
    begun.venue,
    begun.symbol,
    min(begun.start_ns) as start_ns,
    depth_snapshot.local_ts as end_ns
from begun
asof left join depth_snapshot
    on
        begun.venue = depth_snapshot.venue
        and begun.symbol = depth_snapshot.symbol
        and begun.local_ts <= depth_snapshot.local_ts
group by begun.venue, begun.symbol, depth_snapshot.local_ts
order by begun.venue, begun.symbol, start_ns;
