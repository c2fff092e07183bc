-- Grain: one row per execution of ours. quoted_* is the state when the order was decided.
create table if not exists fill (
    venue varchar not null,
    symbol varchar not null,
    day date not null,
    session varchar not null,
    seq bigint not null,              -- line of the session's journal
    local_ts bigint not null,
    exch_ts bigint not null,
    trade_id bigint not null,
    order_id bigint not null,
    version bigint not null,
    side tinyint not null,
    level tinyint not null,
    price_ticks bigint not null,
    qty_lots bigint not null,
    fee_base_lots double not null,
    fee_quote_atoms double not null,
    mid_ticks double,                 -- at the fill; null while unknown
    quoted_mid_ticks double,
    quoted_regime varchar not null
);
