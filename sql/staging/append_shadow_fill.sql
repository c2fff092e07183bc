-- Grain: shadow_fill. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into shadow_fill by name
select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.session,
    incoming.shadow,
    incoming.version,
    incoming.local_ts,
    incoming.exch_ts,
    incoming.trade_id,
    incoming.order_id,
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
from incoming;
