-- Grain: fill_model_metric. Parameters: $venue, $symbol, $day, $fill_model.
-- Removes a day's figures of one fill model before they are written anew.
delete from fill_model_metric
where
    venue = $venue
    and symbol = $symbol
    and day = $day
    and fill_model = $fill_model;
