-- Grain: one request of ours, an order or a cancel, with what was heard of it first.
-- A cancel of an order that was not acknowledged yet left with the acknowledgement. Only an order that takes is
-- answered by its end alone. outcome: answered | untimed (the answer carries no venue time) | rejected | unknown |
-- pending (never answered on its own: filled before, or the session ended). Times are null where there was no answer.
-- Inputs: order_event. Parameters: $venue, $symbol, $first_day, $last_day (UTC, of asking, both inclusive).
with steps as (
    select
        session,
        seq,
        day,
        local_ts,
        exch_ts,
        order_id,
        coalesce(maker, true) as maker,
        what
    from order_event
    where
        venue = $venue
        and symbol = $symbol
        and day between $first_day and $last_day + 1
),

acknowledged as (
    select
        session,
        order_id,
        min(seq) as seq,
        arg_min(local_ts, seq) as local_ts
    from steps
    where what = 'ack'
    group by session, order_id
),

requests as (
    select
        steps.session,
        steps.day,
        steps.order_id,
        steps.what as request,
        steps.maker,
        steps.seq,
        steps.seq as open_seq,
        steps.local_ts as sent_ns
    from steps
    where steps.what = 'place'
    union all
    select
        steps.session,
        steps.day,
        steps.order_id,
        steps.what as request,
        steps.maker,
        steps.seq,
        greatest(steps.seq, acknowledged.seq) as open_seq,
        greatest(steps.local_ts, acknowledged.local_ts) as sent_ns
    from steps
    inner join acknowledged
        on
            steps.session = acknowledged.session
            and steps.order_id = acknowledged.order_id
    where steps.what = 'cancel'
),

heard as (
    select
        requests.session,
        requests.day,
        requests.order_id,
        requests.request,
        requests.seq,
        requests.sent_ns,
        answers.what as answer,
        answers.exch_ts,
        answers.local_ts as heard_ns
    from requests
    left join steps as answers
        on
            requests.session = answers.session
            and requests.order_id = answers.order_id
            and requests.open_seq < answers.seq
            and (
                answers.what = 'unknown'
                or (requests.request = 'place' and answers.what in ('ack', 'reject'))
                or (answers.what = 'cancelled' and (requests.request = 'cancel' or not requests.maker))
            )
    qualify
        row_number() over (
            partition by requests.session, requests.order_id, requests.request
            order by requests.seq, answers.seq
        ) = 1
)

select
    day,
    request,
    sent_ns,
    exch_ts as exch_ns,
    heard_ns,
    case
        when answer is null then 'pending'
        when answer = 'unknown' then 'unknown'
        when answer = 'reject' then 'rejected'
        when exch_ts is null then 'untimed'
        else 'answered'
    end as outcome
from heard
where day <= $last_day
order by sent_ns, session, seq;
