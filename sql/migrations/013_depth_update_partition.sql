-- Grain: none. Files of depth_update lie in one folder a venue, symbol and day.
alter table depth_update set partitioned by (venue, symbol, day); -- noqa: PRS
