-- Grain: one version of a symbol's fill model. Inputs: fill_model. Parameters: $venue, $symbol.
select
    version,
    day,
    fitted_ns,
    content_hash,
    document
from fill_model
where
    venue = $venue
    and symbol = $symbol
order by version;
