-- Grain: one price level that stands once a snapshot and the depth messages after it are applied, bids then asks, the
-- best first (nth 1). No messages are an id range that holds none. Inputs: depth_snapshot, depth_update.
-- Parameters: $version, $venue, $symbol, $snapshot_ns, $snapshot_id (the snapshot's receive time and last update id),
-- $first_ns, $last_ns, $first_id, $last_id (receive times and final update ids of the messages, both inclusive).
with beginning as (
    select
        -1 as final_update_id,
        bid_ticks,
        bid_lots,
        ask_ticks,
        ask_lots
    from depth_snapshot at (version => $version) -- noqa: PRS,AL01,AL05,RF04
    where
        venue = $venue
        and symbol = $symbol
        and local_ts = $snapshot_ns
        and last_update_id = $snapshot_id
),

later as (
    select
        final_update_id,
        bid_ticks,
        bid_lots,
        ask_ticks,
        ask_lots
    from depth_update at (version => $version) -- noqa: PRS,AL01,AL05,RF04
    where
        venue = $venue
        and symbol = $symbol
        and local_ts between $first_ns and $last_ns
        and final_update_id between $first_id and $last_id
),

messages as (
    select * from beginning
    union all
    select * from later
),

changes as (
    select
        final_update_id,
        1 as side,
        unnest(bid_ticks) as ticks,
        unnest(bid_lots) as lots,
        generate_subscripts(bid_ticks, 1) as place
    from messages
    union all
    select
        final_update_id,
        -1 as side,
        unnest(ask_ticks) as ticks,
        unnest(ask_lots) as lots,
        generate_subscripts(ask_ticks, 1) as place
    from messages
),

levels as (
    select
        side,
        ticks,
        arg_max(lots, [final_update_id, place]) as lots
    from changes
    group by side, ticks
)

select
    side,
    row_number() over (partition by side order by side * ticks desc) as nth,
    ticks,
    lots
from levels
where lots > 0
order by side desc, nth asc;
