-- Returned rows are failures: a best bid at or over the best ask.
-- Parameters: $first_day, from which on to look.
select
    venue,
    symbol,
    local_ts,
    update_id,
    bid_ticks,
    ask_ticks
from book_ticker
where
    day >= $first_day
    and bid_ticks >= ask_ticks
    and bid_lots > 0
    and ask_lots > 0;
