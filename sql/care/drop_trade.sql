-- Removes a symbol's rows of trade up to a day. Parameters: $venue, $symbol, $last_day.
delete from trade
where
    venue = $venue
    and symbol = $symbol
    and day <= $last_day;
