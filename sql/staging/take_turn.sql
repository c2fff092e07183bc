-- Grain: one row, true when the transaction got the writers' lock; it lasts until the transaction or its process ends.
-- Inputs: the attached database turns. Parameters: none.
select got from postgres_query('turns', 'select pg_try_advisory_xact_lock(hashtext(''microvol writer'')) as got');
