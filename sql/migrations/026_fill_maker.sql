-- Grain: one row per execution; our order had rested, null before schema 2.
alter table fill add column if not exists maker boolean;
