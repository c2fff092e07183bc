-- Grain: one row per step in the life of one of our orders.
create table if not exists order_event (
    venue varchar not null,
    symbol varchar not null,
    day date not null,
    session varchar not null,
    seq bigint not null,            -- line of the session's journal
    local_ts bigint not null,
    client_id varchar not null,
    order_id bigint not null,
    version bigint not null,
    side tinyint not null,
    level tinyint not null,
    what varchar not null,          -- place | ack | reject | cancel | cancelled | unknown
    price_ticks bigint not null,
    qty_lots bigint not null,
    detail varchar not null
);
