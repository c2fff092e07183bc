-- Grain: one hole in a stream, in order of receipt, as one snapshot of the lake holds it.
-- Inputs: gap. Parameters: $version, $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
select
    local_ts,
    stream,
    expected_id,
    got_id,
    reason
from gap at (version => $version) -- noqa: PRS,AL01,AL05,RF04
where
    venue = $venue
    and symbol = $symbol
    and local_ts between $start_ns and $end_ns
order by local_ts, stream;
