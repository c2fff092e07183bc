-- Grain: at most one row, the sizes of a symbol. Inputs: instrument. Parameters: $venue, $symbol.
select
    venue,
    symbol,
    tick_size,
    lot_size,
    min_qty,
    min_notional,
    source
from instrument
where
    venue = $venue
    and symbol = $symbol;
