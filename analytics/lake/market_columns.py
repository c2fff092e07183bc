"""Ticks and lots of one symbol as prices and quantities, ns as times: how the lake's rows are shown to people."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import polars as pl

from analytics.lake.instruments import instrument
from analytics.lake.store import Lake
from strategy.errors import Failed
from strategy.kernel.records import BUY
from strategy.policies.document import Instrument

_DIGITS: Final = 38  # the widest decimal that DuckDB and Parquet know


def sizes_of(lake: Lake, venue: str, symbol: str) -> Instrument:
    """Return a symbol's sizes; one that the lake does not know is a failure that says so."""
    found = instrument(lake, venue, symbol)
    if found is None:
        raise Failed(f"the lake holds nothing of {venue} {symbol}")
    return found


@dataclass(frozen=True, slots=True)
class MarketColumns:
    """A symbol's steps, and whether numbers are exact decimals or the floats nearest to them."""

    tick_size: str
    lot_size: str
    exact: bool

    def price(self, ticks: str | pl.Expr) -> pl.Expr:
        """Return a column of ticks as prices in quote currency; null stays null."""
        return _steps(pl.col(ticks) if isinstance(ticks, str) else ticks, self.tick_size, self.exact)

    def quantity(self, lots: str | pl.Expr) -> pl.Expr:
        """Return a column of lots as quantities in base units; null stays null."""
        return _steps(pl.col(lots) if isinstance(lots, str) else lots, self.lot_size, self.exact)

    def level_lists(self) -> list[pl.Expr]:
        """Return the four list columns of depth rows as lists of prices and of quantities."""
        parts = (("ticks", "prices", self.price), ("lots", "quantities", self.quantity))
        return [
            pl.col(f"{side}_{unit}").list.eval(shown(pl.element())).alias(f"{side}_{name}")
            for side in ("bid", "ask")
            for unit, name, shown in parts
        ]


def times(*columns: str) -> list[pl.Expr]:
    """Return columns of ns since the epoch as UTC times."""
    return [pl.col(each).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC") for each in columns]


def side_name() -> pl.Expr:
    """Return the aggressor's side by name."""
    return pl.when(pl.col("side") == BUY).then(pl.lit("buy")).otherwise(pl.lit("sell")).alias("side")


def _steps(counts: pl.Expr, size: str, exact: bool) -> pl.Expr:
    """Return counts of a step: decimals with the step's places, or the floats nearest to them.

    The way leads through decimals in both cases: polars divides floats by a constant as it multiplies by its inverse.
    """
    step = Decimal(size)
    places = max(-int(step.normalize().as_tuple().exponent), 0)
    kind = pl.Decimal(_DIGITS, places)
    decimals = counts.cast(pl.Int64).cast(kind) * pl.lit(step, kind)
    return decimals if exact else decimals.cast(pl.Float64)
