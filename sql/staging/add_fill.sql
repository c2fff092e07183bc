-- Grain: fill. Inputs: incoming, rows of one symbol with the table's columns.
-- Adds the executions that the lake does not hold yet: a session that reconciles after a crash tells of them again.
-- Parameters: $venue, $symbol.
insert into fill by name
with held as (
    select
        trade_id,
        exch_ts,
        side
    from fill
    where
        venue = $venue
        and symbol = $symbol
)

select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.session,
    incoming.seq,
    incoming.local_ts,
    incoming.exch_ts,
    incoming.trade_id,
    incoming.order_id,
    incoming.version,
    incoming.side,
    incoming.level,
    incoming.purpose,
    incoming.maker,
    incoming.price_ticks,
    incoming.qty_lots,
    incoming.fee_base_lots,
    incoming.fee_quote_atoms,
    incoming.mid_ticks,
    incoming.quoted_mid_ticks,
    incoming.quoted_regime
from incoming
where not exists (
    select 1
    from held
    where
        held.trade_id = incoming.trade_id
        and held.exch_ts = incoming.exch_ts
        and held.side = incoming.side
);
