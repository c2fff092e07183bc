-- Grain: one row per hole in a stream: got_id came where expected_id was due.
create table if not exists gap (
    venue varchar not null,
    symbol varchar not null,
    day date not null,
    stream varchar not null,        -- depth | trade
    local_ts bigint not null,
    expected_id bigint not null,
    got_id bigint not null,
    reason varchar not null
);
