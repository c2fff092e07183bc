-- Grain: one row per venue and symbol. Sizes are the storage units of every price and quantity of the symbol.
create table if not exists instrument (
    venue varchar not null,
    symbol varchar not null,
    tick_size varchar not null,   -- decimal string, quote currency
    lot_size varchar not null,    -- decimal string, base currency
    min_qty varchar not null,
    min_notional varchar not null,
    source varchar not null       -- exchange_info | option | inferred
);
