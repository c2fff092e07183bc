-- Removes the holes in a symbol's depth stream that another source has filled. Holes at which the venue's ids began
-- anew stay: their ids mean something else.
-- Parameters: $venue, $symbol.
delete from gap
where
    venue = $venue
    and symbol = $symbol
    and stream = 'depth'
    and reason not like '%anew'
    and exists (
        select 1
        from depth_update
        where
            depth_update.venue = gap.venue
            and depth_update.symbol = gap.symbol
            and (
                depth_update.prev_update_id = gap.expected_id - 1
                or (
                    depth_update.prev_update_id < 0
                    and depth_update.first_update_id <= gap.expected_id
                    and depth_update.final_update_id >= gap.expected_id
                )
            )
    );
