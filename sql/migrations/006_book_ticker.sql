-- Grain: one row per best bid/ask message.
create table if not exists book_ticker (
    venue varchar not null,
    symbol varchar not null,
    day date not null,
    local_ts bigint not null,
    update_id bigint not null,
    bid_ticks bigint not null,
    bid_lots bigint not null,
    ask_ticks bigint not null,
    ask_lots bigint not null
);
