-- Grain: one row per public trade. side is the aggressor's: 1 buy, -1 sell.
create table if not exists trade (
    venue varchar not null,
    symbol varchar not null,
    day date not null,
    local_ts bigint not null,
    exch_ts bigint not null,
    trade_id bigint not null,
    side tinyint not null,
    price_ticks bigint not null,
    qty_lots bigint not null
);
