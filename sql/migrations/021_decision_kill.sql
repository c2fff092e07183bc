-- Grain: one row per decision; the kill switch's cause, '' while armed, null before schema 2.
alter table decision add column if not exists kill varchar;
