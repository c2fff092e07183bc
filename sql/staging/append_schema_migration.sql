-- Grain: one row per migration that has been applied. Inputs: incoming (number, name).
insert into schema_migration by name
select
    number,
    name,
    now()::timestamp as applied_at
from incoming;
