-- Removes the holes in a symbol's trade stream that another source has filled; see fill_depth_gaps.
-- Parameters: $venue, $symbol.
delete from gap
where
    venue = $venue
    and symbol = $symbol
    and stream = 'trade'
    and reason not like '%anew'
    and exists (
        select 1
        from trade
        where
            trade.venue = gap.venue
            and trade.symbol = gap.symbol
            and trade.trade_id = gap.expected_id
    );
