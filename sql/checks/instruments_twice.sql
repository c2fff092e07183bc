-- Returned rows are failures: a symbol with more than one set of sizes.
select
    venue,
    symbol,
    count(*) as copies
from instrument
group by venue, symbol
having count(*) > 1;
