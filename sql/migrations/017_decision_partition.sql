-- Grain: none. Files of decision lie in one folder a venue, symbol and day.
alter table decision set partitioned by (venue, symbol, day); -- noqa: PRS
