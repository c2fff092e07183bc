-- Grain: gap. Inputs: gap, trade.
-- Adds what is left of holes in a symbol's trade stream into which trades have come; see add_remaining_depth_gaps.
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
        and stream = 'trade'
        and expected_id <= $high
        and got_id >= $low
),

message as (
    select
        local_ts,
        day,
        trade_id
    from trade
    where
        venue = $venue
        and symbol = $symbol
        and trade_id >= (select min(held.expected_id) from held)
        and trade_id <= (select max(held.got_id) from held)
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
        message.trade_id,
        coalesce(
            max(message.trade_id) over (
                partition by held.expected_id, held.got_id
                order by message.trade_id asc
                rows between unbounded preceding and 1 preceding
            ),
            held.expected_id - 1
        ) as last_id
    from held
    inner join message
        on
            held.expected_id <= message.trade_id
            and held.got_id >= message.trade_id
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
        trade_id as got_id,
        case when trade_id = end_id then cause else 'sequence' end as reason
    from present
    where
        trade_id > last_id + 1
),

known as (
    select
        expected_id,
        got_id
    from gap
    where
        venue = $venue
        and symbol = $symbol
        and stream = 'trade'
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
