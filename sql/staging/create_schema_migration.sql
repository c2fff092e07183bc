-- Grain: one row per migration that has been applied.
create table if not exists schema_migration (
    number integer not null,
    name varchar not null,
    applied_at timestamp not null
);
