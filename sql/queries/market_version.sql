-- Grain: one row, a text that changes with every batch of market data of a symbol, and differs between lakes that took
-- in other files. Inputs: segment. Parameters: $venue, $symbol.
select count(*) || '-' || coalesce(bit_xor(hash(name, start_offset, end_offset)), 0) as held
from segment
where
    venue = $venue
    and symbol = $symbol
    and lines > 0
    and name not like 'journal:%';
