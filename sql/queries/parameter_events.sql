-- Grain: one promotion, rollback or refusal. Inputs: parameter_event. Parameters: $venue, $symbol.
select
    day,
    at_ns,
    what,
    from_version,
    to_version,
    who,
    reason,
    outcome
from parameter_event
where
    venue = $venue
    and symbol = $symbol
order by at_ns;
