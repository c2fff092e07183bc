-- Grain: one table, venue, symbol and day of depth data that no book of $first_day or later needs.
-- A book goes on from its last snapshot: where the updates of $first_day do, that snapshot and everything since stay,
-- and a minute before it, for the diffs that bridge to it.
-- Inputs: depth_update, depth_snapshot. Parameters: $first_day.
with earlier as (
    select
        venue,
        symbol,
        max(local_ts) as snapshot_ns
    from depth_snapshot
    where day < $first_day
    group by venue, symbol
),

later as (
    select
        venue,
        symbol,
        min(local_ts) as snapshot_ns
    from depth_snapshot
    where day >= $first_day
    group by venue, symbol
),

recent as (
    select
        venue,
        symbol,
        local_ts
    from depth_update
    where day >= $first_day
),

continued as (
    select
        recent.venue,
        recent.symbol
    from recent
    left join later
        on
            recent.venue = later.venue
            and recent.symbol = later.symbol
    where later.snapshot_ns is null or recent.local_ts < later.snapshot_ns - 60000000000
    group by recent.venue, recent.symbol
),

needed as (
    select
        earlier.venue,
        earlier.symbol,
        make_timestamp_ns(earlier.snapshot_ns - 60000000000)::date as first_day
    from earlier
    inner join continued
        on
            earlier.venue = continued.venue
            and earlier.symbol = continued.symbol
),

bridging as (
    select
        venue,
        symbol,
        make_timestamp_ns(snapshot_ns - 60000000000)::date as first_day
    from later
),

held as (
    select
        'depth_update' as stored_in,
        venue,
        symbol,
        day,
        count(*) as dropped
    from depth_update
    where day < $first_day
    group by venue, symbol, day
    union all
    select
        'depth_snapshot' as stored_in,
        venue,
        symbol,
        day,
        count(*) as dropped
    from depth_snapshot
    where day < $first_day
    group by venue, symbol, day
)

select
    held.stored_in,
    held.venue,
    held.symbol,
    held.day,
    held.dropped
from held
left join needed
    on
        held.venue = needed.venue
        and held.symbol = needed.symbol
left join bridging
    on
        held.venue = bridging.venue
        and held.symbol = bridging.symbol
where
    (needed.first_day is null or held.day < needed.first_day)
    and (bridging.first_day is null or held.day < bridging.first_day)
order by held.stored_in, held.venue, held.symbol, held.day;
