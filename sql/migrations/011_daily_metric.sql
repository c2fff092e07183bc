-- Grain: one row per venue, symbol, day, version, source and metric.
create table if not exists daily_metric (
    venue varchar not null,
    symbol varchar not null,
    day date not null,
    version bigint not null,
    source varchar not null,          -- live | replay
    metric varchar not null,
    regime varchar not null,          -- all, or a regime's name
    value double
);
