-- Grain: none. Files of order_event lie in one folder a venue, symbol and day.
alter table order_event set partitioned by (venue, symbol, day); -- noqa: PRS
