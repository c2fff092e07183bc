-- Grain: one row, the moment that a part taken in now would be stamped with.
select now()::timestamp as moment;
