-- Grain: one row per execution; what its order was for, null before schema 2.
alter table fill add column if not exists purpose varchar;
