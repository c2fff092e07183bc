-- Grain: one row, a text that changes with every batch of market data of a symbol and with every day that is dropped,
-- and differs between lakes that took in other files.
-- Inputs: segment, depth_update, trade. Parameters: $venue, $symbol.
with taken_in as (
    select count(*) || '-' || coalesce(bit_xor(hash(name, start_offset, end_offset)), 0) as held
    from segment
    where
        venue = $venue
        and symbol = $symbol
        and lines > 0
        and name not like 'journal:%'
),

depth as (
    select coalesce(min(day)::varchar, '') as first_day
    from depth_update
    where
        venue = $venue
        and symbol = $symbol
),

trades as (
    select coalesce(min(day)::varchar, '') as first_day
    from trade
    where
        venue = $venue
        and symbol = $symbol
)

select taken_in.held || '-' || depth.first_day || '-' || trades.first_day as held
from taken_in
cross join depth
cross join trades;
