-- Grain: one metric of one day, version, source and regime.
-- Inputs: daily_metric. Parameters: $venue, $symbol, $first_day, $last_day.
select
    day,
    version,
    source,
    metric,
    regime,
    value
from daily_metric
where
    venue = $venue
    and symbol = $symbol
    and day between $first_day and $last_day
order by day, version, source, metric, regime;
