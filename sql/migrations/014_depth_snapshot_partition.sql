-- Grain: none. Files of depth_snapshot lie in one folder a venue, symbol and day.
alter table depth_snapshot set partitioned by (venue, symbol, day); -- noqa: PRS
