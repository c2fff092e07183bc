-- Grain: one row per comparison of the clocks that a recorder made.
create table if not exists clock_offset (
    venue varchar not null,
    symbol varchar not null,
    day date not null,              -- UTC day of local_ts
    local_ts bigint not null,       -- ns, our clock
    offset_ns bigint not null,      -- the venue's clock minus ours, median of the samples
    rtt_ns bigint not null,         -- median way there and back; the offset is true to half of it
    samples bigint not null
);
