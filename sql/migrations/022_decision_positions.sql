-- Grain: one row per decision; slots that held a position, null before schema 2.
alter table decision add column if not exists positions integer;
