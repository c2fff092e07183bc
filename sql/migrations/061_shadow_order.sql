-- Grain: one row per order of a version in the shadow, told when it was over (or the shadow was: open).
create table if not exists shadow_order (
    venue varchar not null,
    symbol varchar not null,
    day date not null,              -- UTC, of the venue's time
    session varchar not null,
    shadow varchar not null,        -- name of its journal
    version bigint not null,
    order_id bigint not null,
    side tinyint not null,
    level tinyint not null,
    purpose varchar not null,       -- entry, or what it closes (strategy.kernel.records)
    price_ticks bigint not null,
    qty_lots bigint not null,
    filled_lots bigint not null,
    placed_ns bigint not null,
    ended_ns bigint not null,
    mid_ticks double,
    regime varchar not null,
    outcome varchar not null        -- open | filled | cancelled | rejected
);
