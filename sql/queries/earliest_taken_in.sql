-- Grain: one row, the earliest receive time of the lines taken in since a moment of the lake's clock, null without any.
-- Inputs: segment. Parameters: $since.
select min(first_local_ts) as local_ts
from segment
where
    ingested_at >= $since
    and lines > 0
    and first_local_ts > 0;
