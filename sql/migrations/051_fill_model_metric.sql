-- Grain: one figure of one day's fills, live or replayed with one fill model.
create table if not exists fill_model_metric (
    venue varchar not null,
    symbol varchar not null,
    day date not null,
    fill_model bigint not null,     -- the version that `after` is of
    source varchar not null,        -- live | before | after
    metric varchar not null,
    regime varchar not null,        -- all, or a regime's name
    value double
);
