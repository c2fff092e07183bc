-- Removes a symbol's rows of decision up to a day. Parameters: $venue, $symbol, $last_day.
delete from decision
where
    venue = $venue
    and symbol = $symbol
    and day <= $last_day;
