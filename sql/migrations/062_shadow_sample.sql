-- Grain: one row per second of a version in the shadow: the venue's mid, the version's sigma and holdings.
create table if not exists shadow_sample (
    venue varchar not null,
    symbol varchar not null,
    day date not null,              -- UTC, of the venue's time
    session varchar not null,
    shadow varchar not null,        -- name of its journal
    version bigint not null,
    ts bigint not null,
    mid_ticks double,               -- null while unknown
    sigma double,
    regime varchar not null,
    base_lots double not null,
    quote_atoms double not null
);
