-- Grain: none. Files of trade lie in one folder a venue, symbol and day.
alter table trade set partitioned by (venue, symbol, day); -- noqa: PRS
