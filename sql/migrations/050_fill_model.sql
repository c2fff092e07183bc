-- Grain: one version of a symbol's fill model, as fitted on live orders.
create table if not exists fill_model (
    venue varchar not null,
    symbol varchar not null,
    version bigint not null,
    day date not null,              -- the last one it was fitted on
    fitted_ns bigint not null,      -- our clock
    content_hash varchar not null,  -- SHA-256 of the document
    document varchar not null       -- JSON: parameters, intervals, what they were fitted on
);
