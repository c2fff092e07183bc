-- Removes the holes in a symbol's depth stream into which rows have come; what is left of them has been added before,
-- see add_remaining_depth_gaps. Holes at which the venue's ids began anew stay: their ids mean something else.
-- Parameters: $venue, $symbol; only holes that ids from $low to $high touch are looked at.
delete from gap
where
    venue = $venue
    and symbol = $symbol
    and stream = 'depth'
    and reason not like '%anew'
    and expected_id <= $high
    and got_id >= $low
    and exists (
        select 1
        from depth_update
        where
            depth_update.venue = gap.venue
            and depth_update.symbol = gap.symbol
            and (
                depth_update.prev_update_id = gap.expected_id - 1
                or (
                    depth_update.final_update_id >= gap.expected_id
                    and depth_update.first_update_id < gap.got_id
                )
            )
    );
