-- Grain: decision. Inputs: incoming, a frame with the table's columns. Every row is added.
insert into decision by name
select
    incoming.venue,
    incoming.symbol,
    incoming.day,
    incoming.session,
    incoming.seq,
    incoming.local_ts,
    incoming.version,
    incoming.mid_ticks,
    incoming.sigma,
    incoming.regime,
    incoming.bid_enabled,
    incoming.ask_enabled,
    incoming.reasons,
    incoming.bid_bps,
    incoming.ask_bps,
    incoming.base_lots,
    incoming.quote_atoms,
    incoming.want_bid_ticks,
    incoming.want_bid_lots,
    incoming.want_ask_ticks,
    incoming.want_ask_lots,
    incoming.rest_bid_ticks,
    incoming.rest_bid_lots,
    incoming.rest_ask_ticks,
    incoming.rest_ask_lots
from incoming;
