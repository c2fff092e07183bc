-- Grain: one row per migration that has been applied. Parameters: $number, $name.
insert into schema_migration (number, name, applied_at)
values ($number, $name, now()::timestamp);
