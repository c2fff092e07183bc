-- Returned rows are failures: parts of one segment that overlap: lines were taken in twice.
with ordered as (
    select
        venue,
        symbol,
        name,
        start_offset,
        lag(end_offset) over (
            partition by venue, symbol, name
            order by start_offset, end_offset
        ) as previous_end
    from segment
)

select
    venue,
    symbol,
    name,
    start_offset,
    previous_end
from ordered
where start_offset < previous_end;
