-- Removes a symbol's rows of depth_update up to a day. Parameters: $venue, $symbol, $last_day.
delete from depth_update
where
    venue = $venue
    and symbol = $symbol
    and day <= $last_day;
