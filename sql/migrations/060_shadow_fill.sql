-- Grain: one row per execution of a version in the shadow, on paper. Times are the venue's clock's.
create table if not exists shadow_fill (
    venue varchar not null,
    symbol varchar not null,
    day date not null,              -- UTC, of the venue's time
    session varchar not null,
    shadow varchar not null,        -- name of its journal
    version bigint not null,
    local_ts bigint not null,
    exch_ts bigint not null,
    trade_id bigint not null,
    order_id bigint not null,
    side tinyint not null,
    level tinyint not null,
    purpose varchar not null,       -- entry, or what it closes (strategy.kernel.records)
    maker boolean not null,
    price_ticks bigint not null,
    qty_lots bigint not null,
    fee_base_lots double not null,
    fee_quote_atoms double not null,
    mid_ticks double,
    quoted_mid_ticks double,
    quoted_regime varchar not null
);
