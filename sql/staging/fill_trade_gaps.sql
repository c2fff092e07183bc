-- Removes the holes in a symbol's trade stream into which trades have come; see fill_depth_gaps.
-- Parameters: $venue, $symbol; only holes that ids from $low to $high touch are looked at.
delete from gap
where
    venue = $venue
    and symbol = $symbol
    and stream = 'trade'
    and reason not like '%anew'
    and expected_id <= $high
    and got_id >= $low
    and exists (
        select 1
        from trade
        where
            trade.venue = gap.venue
            and trade.symbol = gap.symbol
            and trade.trade_id >= gap.expected_id
            and trade.trade_id < gap.got_id
    );
