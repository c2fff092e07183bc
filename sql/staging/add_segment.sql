-- Grain: one row per part of a segment, written in the transaction of its rows.
-- Parameters: one a column.
insert into segment (
    venue,
    symbol,
    name,
    start_offset,
    end_offset,
    lines,
    bad_lines,
    first_local_ts,
    last_local_ts,
    complete,
    ingested_at
)
values (
    $venue,
    $symbol,
    $name,
    $start_offset,
    $end_offset,
    $lines,
    $bad_lines,
    $first_local_ts,
    $last_local_ts,
    $complete,
    now()::timestamp
);
