-- Inputs: none. Attaches the catalogue's PostgreSQL database itself, for writers to take turns in.
-- Parameters: $connection.
attach $connection as turns (type postgres); -- noqa: PRS
