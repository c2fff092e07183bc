-- Grain: one row per depth message. Lists run in message order; a size of 0 lots removes the level.
create table if not exists depth_update (
    venue varchar not null,
    symbol varchar not null,
    day date not null,              -- UTC day of local_ts
    local_ts bigint not null,       -- ns, our clock
    exch_ts bigint not null,        -- ns, the venue's clock
    first_update_id bigint not null,
    final_update_id bigint not null,
    prev_update_id bigint not null, -- futures' pu, -1 on spot
    bid_ticks bigint[] not null,
    bid_lots bigint[] not null,
    ask_ticks bigint[] not null,
    ask_lots bigint[] not null
);
