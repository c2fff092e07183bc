-- Grain: one row, how far a segment has been taken in. Inputs: segment. Parameters: $venue, $symbol, $name.
select
    coalesce(max(end_offset), 0) as end_offset,
    coalesce(sum(lines), 0)::bigint as line_count,
    coalesce(sum(bad_lines), 0)::bigint as bad_line_count,
    coalesce(bool_or(complete), false) as complete
from segment
where
    venue = $venue
    and symbol = $symbol
    and name = $name;
