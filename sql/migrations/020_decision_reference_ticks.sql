-- Grain: one row per decision; the price that was quoted around, null before schema 2.
alter table decision add column if not exists reference_ticks double;
