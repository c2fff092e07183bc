-- Removes a symbol's row before a better one is written in the same transaction. Parameters: $venue, $symbol.
delete from instrument
where
    venue = $venue
    and symbol = $symbol;
