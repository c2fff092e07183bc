-- Grain: one decision of a live session, with the size that its version was quoted in (1 = in full).
-- Inputs: decision, quoted_size. Parameters: $venue, $symbol, $start_ns, $end_ns (receive time, both inclusive).
with sizes as (
    select
        session,
        seq,
        size_factor
    from quoted_size
    where
        venue = $venue
        and symbol = $symbol
),

made as (
    select *
    from decision
    where
        venue = $venue
        and symbol = $symbol
        and local_ts between $start_ns and $end_ns
)

select
    made.session,
    made.seq,
    made.local_ts,
    made.version,
    made.mid_ticks,
    made.reference_ticks,
    made.sigma,
    made.regime,
    made.bid_enabled,
    made.ask_enabled,
    made.reasons,
    coalesce(made.kill, '') as kill, -- noqa: RF04
    coalesce(made.positions, 0) as positions,
    made.bid_bps,
    made.ask_bps,
    made.base_lots,
    made.quote_atoms,
    made.want_bid_ticks,
    made.want_bid_lots,
    made.want_ask_ticks,
    made.want_ask_lots,
    made.rest_bid_ticks,
    made.rest_bid_lots,
    made.rest_ask_ticks,
    made.rest_ask_lots,
    coalesce(sizes.size_factor, 1.0) as size_factor
from made
asof left join sizes
    on
        made.session = sizes.session
        and made.seq >= sizes.seq
order by made.local_ts, made.session, made.seq;
