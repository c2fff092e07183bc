-- Grain: one row per step of an order; the venue's time of it in ns, null where it was not told or not yet kept.
alter table order_event add column if not exists exch_ts bigint;
