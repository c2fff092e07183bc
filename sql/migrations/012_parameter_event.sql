-- Grain: one row per promotion, rollback, or acknowledgement.
create table if not exists parameter_event (
    venue varchar not null,
    symbol varchar not null,
    day date not null,
    at_ns bigint not null,
    what varchar not null,            -- promote | rollback | refused
    from_version bigint,
    to_version bigint,
    who varchar not null,
    reason varchar not null,
    outcome varchar not null
);
