-- Grain: none. Files of fill lie in one folder a venue, symbol and day.
alter table fill set partitioned by (venue, symbol, day); -- noqa: PRS
