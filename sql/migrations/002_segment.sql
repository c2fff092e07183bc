-- Grain: one row per part of a segment that has been taken in, written in the transaction of its rows: exactly once.
create table if not exists segment (
    venue varchar not null,
    symbol varchar not null,
    name varchar not null,          -- file name without compression suffix, or sha256:… for an imported file
    start_offset bigint not null,   -- bytes of the uncompressed stream
    end_offset bigint not null,
    lines bigint not null,
    bad_lines bigint not null,
    first_local_ts bigint not null,
    last_local_ts bigint not null,
    complete boolean not null,      -- read to the end of its compressed file: nothing more will come
    ingested_at timestamp not null
);
