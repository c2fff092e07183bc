-- Grain: one row per step of an order; it was sent to rest, not to take; null before schema 2.
alter table order_event add column if not exists maker boolean;
