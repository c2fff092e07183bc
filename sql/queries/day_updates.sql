-- Grain: one venue, symbol and UTC day with depth updates. The rate is over the time in which they follow each other
-- within a minute; latency_ms is the median of our clock less the venue's, network and clock offset in one.
-- Inputs: depth_update.
-- Parameters: $first_day, $end_day (exclusive), $venue and $symbol (null: every one).
with steps as (
    select
        venue,
        symbol,
        day,
        local_ts - exch_ts as latency_ns,
        local_ts - lag(local_ts) over (
            partition by venue, symbol, day
            order by local_ts, final_update_id
        ) as step_ns
    from depth_update
    where
        day >= $first_day
        and day < $end_day
        and ($venue::varchar is null or venue = $venue)
        and ($symbol::varchar is null or symbol = $symbol)
)

select
    venue,
    symbol,
    day,
    count(*) as updates,
    1e9 * count(*) filter (where step_ns < 60000000000)
    / nullif(sum(step_ns) filter (where step_ns < 60000000000), 0) as updates_per_s,
    median(latency_ns) / 1e6 as latency_ms
from steps
group by venue, symbol, day;
