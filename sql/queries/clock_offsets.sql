-- Grain: one UTC day of receipt with market data. offset_ns is what the tape takes from receive times: the smallest
-- receive time less venue time but for the earliest thousandth (analytics.tape.tape.clock_offset).
-- Inputs: depth_update, trade. Parameters: $venue, $symbol, $first_day, $last_day (UTC, both inclusive).
with messages as (
    select
        day,
        local_ts,
        exch_ts
    from depth_update
    where
        venue = $venue
        and symbol = $symbol
        and day between $first_day and $last_day
    union all
    select
        day,
        local_ts,
        exch_ts
    from trade
    where
        venue = $venue
        and symbol = $symbol
        and day between $first_day and $last_day
)

select
    day,
    quantile_disc(local_ts - exch_ts, 0.001) as offset_ns,
    count(*) as messages
from messages
where exch_ts > 0
group by day
order by day;
