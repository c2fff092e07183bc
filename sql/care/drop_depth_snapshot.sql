-- Removes a symbol's rows of depth_snapshot up to a day. Parameters: $venue, $symbol, $last_day.
delete from depth_snapshot
where
    venue = $venue
    and symbol = $symbol
    and day <= $last_day;
