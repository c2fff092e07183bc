-- Removes a symbol's rows of book_ticker up to a day. Parameters: $venue, $symbol, $last_day.
delete from book_ticker
where
    venue = $venue
    and symbol = $symbol
    and day <= $last_day;
