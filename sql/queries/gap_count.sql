-- Grain: one row, how many holes a symbol's streams have. Inputs: gap. Parameters: $venue, $symbol.
select count(*) as gaps
from gap
where
    venue = $venue
    and symbol = $symbol;
