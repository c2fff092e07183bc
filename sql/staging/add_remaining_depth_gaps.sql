-- Grain: gap. Inputs: gap, depth_update.
-- Adds what is left of holes in a symbol's depth stream into which rows have come: every hole between two of these
-- rows, or between them and the hole's ends. Holes at which the venue's ids began anew are left as they are.
-- Parameters: $venue, $symbol; only holes that ids from $low to $high touch are looked at.
insert into gap by name
with held as (
    select
        venue,
        symbol,
        stream,
        expected_id,
        got_id,
        reason
    from gap
    where
        venue = $venue
        and symbol = $symbol
        and stream = 'depth'
        and expected_id <= $high
        and got_id >= $low
),

message as (
    select
        local_ts,
        day,
        first_update_id,
        final_update_id,
        prev_update_id
    from depth_update
    where
        venue = $venue
        and symbol = $symbol
        and final_update_id >= (select min(held.expected_id) from held)
        and first_update_id <= (select max(held.got_id) from held)
),

-- the message at got_id ends the hole, those before it lie inside
present as (
    select
        held.venue,
        held.symbol,
        held.stream,
        held.got_id as end_id,
        held.reason as cause,
        message.local_ts,
        message.day,
        message.first_update_id,
        message.prev_update_id,
        coalesce(
            max(message.final_update_id) over (
                partition by held.expected_id, held.got_id
                order by message.first_update_id asc, message.final_update_id asc
                rows between unbounded preceding and 1 preceding
            ),
            held.expected_id - 1
        ) as last_id
    from held
    inner join message
        on
            held.expected_id <= message.final_update_id
            and held.got_id >= message.first_update_id
    where held.reason not like '%anew'
),

remaining as (
    select distinct
        venue,
        symbol,
        day,
        stream,
        local_ts,
        last_id + 1 as expected_id,
        first_update_id as got_id,
        case when first_update_id = end_id then cause else 'sequence' end as reason
    from present
    where
        first_update_id > last_id + 1
        and prev_update_id <> last_id
),

known as (
    select
        expected_id,
        got_id
    from gap
    where
        venue = $venue
        and symbol = $symbol
        and stream = 'depth'
)

select remaining.*
from remaining
where not exists (
    select 1
    from known
    where
        known.expected_id = remaining.expected_id
        and known.got_id = remaining.got_id
);
