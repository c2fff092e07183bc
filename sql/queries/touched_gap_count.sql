-- Grain: one row, how many holes of a stream the ids from $low to $high touch.
-- Inputs: gap. Parameters: $venue, $symbol, $stream, $low, $high.
select count(*) as gaps
from gap
where
    venue = $venue
    and symbol = $symbol
    and stream = $stream
    and expected_id <= $high
    and got_id >= $low;
