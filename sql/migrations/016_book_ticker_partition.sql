-- Grain: none. Files of book_ticker lie in one folder a venue, symbol and day.
alter table book_ticker set partitioned by (venue, symbol, day); -- noqa: PRS
