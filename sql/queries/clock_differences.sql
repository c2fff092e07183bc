-- Grain: one comparison of the venue's clock with ours, in order of time.
-- Inputs: clock_offset. Parameters: $venue, $symbol, $start_ns, $end_ns (both inclusive).
select
    local_ts,
    offset_ns,
    rtt_ns,
    samples
from clock_offset
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
order by local_ts;
