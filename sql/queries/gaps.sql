-- Grain: one hole in a stream.
-- Inputs: gap. Parameters: $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
select
    stream,
    local_ts,
    expected_id,
    got_id,
    reason
from gap
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
order by local_ts, stream;
