"""What a replay wrote down, as tables for people: UTC times, exact decimal prices and quantities, names for numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from strategy.kernel.records import BUY, KILL_NAMES, PURPOSE_NAMES, REASON_NAMES, REGIME_NAMES
from strategy.replay.driver import ReplayResult
from strategy.replay.tape import TapeInfo

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

OUTCOME_NAMES: Final = ("open", "filled", "cancelled", "rejected")  # by number, as in strategy.replay.rows
SIDE_NAMES: Final = ("sell", "buy")
LIQUIDITY_NAMES: Final = ("taker", "maker")
_DIGITS: Final = 38  # DuckDB's widest decimal


def tables(result: ReplayResult, info: TapeInfo) -> dict[str, pl.DataFrame]:
    """Return fills, orders, decisions and samples by name."""
    scale = Scale.of(info)
    return {
        "fills": fills(result.fills, scale),
        "orders": orders(result.orders, scale),
        "decisions": decisions(result.decisions, scale),
        "samples": samples(result.samples, scale),
    }


@dataclass(frozen=True, slots=True)
class Scale:
    """What turns ticks and lots into prices and quantities."""

    tick: Decimal
    lot: Decimal

    @classmethod
    def of(cls, info: TapeInfo) -> "Scale":
        """Return the scale of a tape."""
        return cls(Decimal(info.tick_size), Decimal(info.lot_size))

    def price(self, ticks: Ints) -> pl.Series:
        """Return prices, exact."""
        return _decimals(ticks, self.tick)

    def quantity(self, lots: Ints) -> pl.Series:
        """Return quantities, exact."""
        return _decimals(lots, self.lot)

    def mid(self, ticks: Floats) -> pl.Series:
        """Return mids, exact to half a tick; null where unknown."""
        known = np.nan_to_num(ticks) > 0
        halves = _decimals(np.where(known, np.round(2 * np.nan_to_num(ticks)), 0).astype(np.int64), self.tick / 2)
        return halves.to_frame("mid").select(pl.when(pl.Series(known)).then(pl.col("mid")))["mid"]

    def base(self, lots: Floats) -> Floats:
        """Return base units as the nearest float."""
        return _floats(lots, self.lot)

    def quote(self, atoms: Floats) -> Floats:
        """Return quote units as the nearest float."""
        return _floats(atoms, self.tick * self.lot)

    def levels(self, ticks: Ints, lots: Ints) -> tuple[pl.Series, pl.Series]:
        """Return lists of prices and of quantities from (N, levels); null where a level has no quote."""
        return _lists(self.price(ticks.ravel()), ticks), _lists(self.quantity(lots.ravel()), lots)


def fills(rows: NDArray[Any], scale: Scale) -> pl.DataFrame:
    """Return a row for each fill; fees are paid when over 0, `mid` is the venue's at the fill."""
    return pl.DataFrame(
        {
            "exch_ts": _moments(rows["exch_ts"]),
            "local_ts": _moments(rows["local_ts"]),
            "order_id": rows["order_id"],
            "trade_id": rows["trade_id"],
            "side": _named(SIDE_NAMES, rows["side"] == BUY),
            "level": rows["level"],
            "purpose": _named(PURPOSE_NAMES, rows["purpose"]),
            "liquidity": _named(LIQUIDITY_NAMES, rows["maker"]),
            "price": scale.price(rows["price_ticks"]),
            "quantity": scale.quantity(rows["qty_lots"]),
            "fee_base": scale.base(rows["fee_base_lots"]),
            "fee_quote": scale.quote(rows["fee_quote_atoms"]),
            "mid": scale.mid(rows["mid_ticks"]),
            "quoted_mid": scale.mid(rows["quoted_mid_ticks"]),
            "quoted_regime": _named(REGIME_NAMES, rows["quoted_regime"]),
            "version": rows["version"],
        }
    )


def orders(rows: NDArray[Any], scale: Scale) -> pl.DataFrame:
    """Return a row for each order; what is `open` ended with the window."""
    return pl.DataFrame(
        {
            "placed_ts": _moments(rows["placed_ns"]),
            "ended_ts": _moments(rows["ended_ns"]),
            "order_id": rows["order_id"],
            "side": _named(SIDE_NAMES, rows["side"] == BUY),
            "level": rows["level"],
            "purpose": _named(PURPOSE_NAMES, rows["purpose"]),
            "outcome": _named(OUTCOME_NAMES, rows["outcome"]),
            "price": scale.price(rows["price_ticks"]),
            "quantity": scale.quantity(rows["qty_lots"]),
            "filled_quantity": scale.quantity(rows["filled_lots"]),
            "mid": scale.mid(rows["mid_ticks"]),
            "regime": _named(REGIME_NAMES, rows["regime"]),
            "version": rows["version"],
        }
    )


def decisions(rows: NDArray[Any], scale: Scale) -> pl.DataFrame:
    """Return a row for each decision (strategy.md 8); quotes are lists, the level nearest to mid first."""
    quotes: dict[str, pl.Series] = {}
    used = _levels_used(rows)
    for kind in ("want", "rest"):
        for side in ("bid", "ask"):
            ticks, lots = rows[f"{kind}_{side}_ticks"][:, :used], rows[f"{kind}_{side}_lots"][:, :used]
            quotes[f"{kind}_{side}_prices"], quotes[f"{kind}_{side}_quantities"] = scale.levels(ticks, lots)
    return pl.DataFrame(
        {
            "local_ts": _moments(rows["local_ts"]),
            "seq": rows["seq"],
            "mid": scale.mid(rows["mid_ticks"]),
            "reference": rows["reference_ticks"] * float(scale.tick),
            "sigma": rows["sigma"],
            "regime": _named(REGIME_NAMES, rows["regime"]),
            "reasons": _reasons(rows["reasons"]),
            "bid_enabled": rows["bid_enabled"] == 1,
            "ask_enabled": rows["ask_enabled"] == 1,
            "killed": _named((None, *KILL_NAMES[1:]), rows["kill"]),
            "bid_bps": rows["bid_bps"],
            "ask_bps": rows["ask_bps"],
            "base": scale.base(rows["base_lots"]),
            "quote": scale.quote(rows["quote_atoms"]),
            **quotes,
            "positions": rows["positions"],
            "actions": rows["n_actions"],
            "version": rows["version"],
        }
    ).with_columns(pl.col("reference", "sigma").fill_nan(None))


def samples(rows: NDArray[Any], scale: Scale) -> pl.DataFrame:
    """Return a row for each sample: the venue's mid, the strategy's sigma and regime, true holdings, their worth."""
    equity = rows["quote_atoms"] + rows["base_lots"] * rows["mid_ticks"]
    return pl.DataFrame(
        {
            "ts": _moments(rows["ts"]),
            "mid": scale.mid(rows["mid_ticks"]),
            "sigma": rows["sigma"],
            "regime": _named(REGIME_NAMES, rows["regime"]),
            "base": scale.base(rows["base_lots"]),
            "quote": scale.quote(rows["quote_atoms"]),
            "equity": scale.quote(equity),
        }
    ).with_columns(pl.col("sigma", "equity").fill_nan(None))


def _moments(ns: Ints) -> pl.Series:
    """Return UTC times without a zone: DuckDB would cut zoned ones to microseconds."""
    return pl.Series(np.ascontiguousarray(ns)).cast(pl.Datetime("ns"))


def _named(names: Sequence[str | None], codes: NDArray[Any]) -> pl.Series:
    return pl.Series(list(names), dtype=pl.String).gather(codes.astype(np.int64))


def _reasons(masks: Ints) -> pl.Series:
    kinds, which = np.unique(masks, return_inverse=True)
    words = [[name for bit, name in REASON_NAMES.items() if mask & bit] for mask in kinds.tolist()]
    return pl.Series(words, dtype=pl.List(pl.String)).gather(which)


def _decimals(counts: Ints, unit: Decimal) -> pl.Series:
    """Return counts of a unit, exact."""
    kind = pl.Decimal(_DIGITS, _places(unit))
    return pl.Series(np.ascontiguousarray(counts)).cast(kind) * pl.Series([unit], dtype=kind)


def _floats(counts: Floats, unit: Decimal) -> Floats:
    """Return counts of a unit as floats, by one division: 10 lots of 0.001 are 0.01 and not a hair more."""
    power = 10 ** _places(unit)
    found: Floats = counts * float(unit * power) / float(power)
    return found


def _places(unit: Decimal) -> int:
    return max(-int(unit.normalize().as_tuple().exponent), 0)


def _lists(values: pl.Series, counts: Ints) -> pl.Series:
    """Return (N x levels) values as N lists, null where the count is 0."""
    rows, levels = counts.shape
    spread = pl.DataFrame({"row": np.repeat(np.arange(rows), levels), "value": values, "quoted": counts.ravel() != 0})
    shown = spread.with_columns(pl.when("quoted").then("value").alias("value"))
    return shown.group_by("row", maintain_order=True).agg("value")["value"]


def _levels_used(rows: NDArray[Any]) -> int:
    """Return the number of levels that any decision quotes, 1 at least."""
    quoted = [rows[f"{kind}_{side}_lots"].any(axis=0) for kind in ("want", "rest") for side in ("bid", "ask")]
    return max(1, int(np.flatnonzero(np.any(quoted, axis=0)).max(initial=0)) + 1)
