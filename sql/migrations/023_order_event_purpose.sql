-- Grain: one row per step of an order; entry | take_profit | stop_loss | ..., null before schema 2.
alter table order_event add column if not exists purpose varchar;
