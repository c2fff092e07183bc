-- Grain: one row per decision of a live session (strategy.md 8).
create table if not exists decision (
    venue varchar not null,
    symbol varchar not null,
    day date not null,
    session varchar not null,
    seq bigint not null,            -- the event that caused it
    local_ts bigint not null,
    version bigint not null,
    mid_ticks double,               -- null while unknown, sigma and widths too
    sigma double,
    regime varchar not null,
    bid_enabled boolean not null,
    ask_enabled boolean not null,
    reasons varchar not null,       -- names joined by |
    bid_bps double,
    ask_bps double,
    base_lots double not null,
    quote_atoms double not null,
    want_bid_ticks bigint[] not null,
    want_bid_lots bigint[] not null,
    want_ask_ticks bigint[] not null,
    want_ask_lots bigint[] not null,
    rest_bid_ticks bigint[] not null,
    rest_bid_lots bigint[] not null,
    rest_ask_ticks bigint[] not null,
    rest_ask_lots bigint[] not null
);
