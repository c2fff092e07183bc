-- Grain: one row, a number that grows with every batch of market data of a symbol. Inputs: segment.
-- Parameters: $venue, $symbol.
select count(*) as batches
from segment
where
    venue = $venue
    and symbol = $symbol
    and lines > 0
    and name not like 'journal:%';
