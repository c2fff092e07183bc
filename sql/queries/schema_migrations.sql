-- Grain: one row per migration that has been applied.
select
    number,
    name,
    applied_at
from schema_migration
order by number;
