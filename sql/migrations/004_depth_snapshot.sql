-- Grain: one row per REST snapshot of the book.
create table if not exists depth_snapshot (
    venue varchar not null,
    symbol varchar not null,
    day date not null,
    local_ts bigint not null,
    last_update_id bigint not null,
    bid_ticks bigint[] not null,
    bid_lots bigint[] not null,
    ask_ticks bigint[] not null,
    ask_lots bigint[] not null
);
