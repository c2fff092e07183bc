-- Grain: one row per version that a live session began to quote, or went on with in another size.
create table if not exists quoted_size (
    venue varchar not null,
    symbol varchar not null,
    day date not null,
    session varchar not null,
    seq bigint not null,            -- the event from which on it holds, 0 = the session's first
    local_ts bigint not null,
    version bigint not null,
    size_factor double not null     -- of the version's orders, under 1 while it was on trial
);
