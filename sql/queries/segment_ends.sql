-- Grain: one row per stream that the lake has begun to take in, how far it is. Inputs: segment. Parameters: none.
select
    venue,
    symbol,
    name,
    max(end_offset) as end_offset,
    max(last_local_ts) as last_local_ts,
    sum(lines)::bigint as line_count,
    sum(bad_lines)::bigint as bad_line_count,
    bool_or(complete) as complete
from segment
group by venue, symbol, name;
