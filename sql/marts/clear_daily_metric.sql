-- Grain: daily_metric. Parameters: $venue, $symbol, $day. Removes a day's figures before they are written anew.
delete from daily_metric
where
    venue = $venue
    and symbol = $symbol
    and day = $day;
