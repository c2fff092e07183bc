-- Grain: one figure of one day's fills, live or replayed with one fill model. Inputs: fill_model_metric.
-- Parameters: $venue, $symbol, $fill_model, $first_day, $last_day (both inclusive).
select
    day,
    source,
    metric,
    regime,
    value
from fill_model_metric
where
    venue = $venue
    and symbol = $symbol
    and fill_model = $fill_model
    and day between $first_day and $last_day
order by day, source, metric, regime;
