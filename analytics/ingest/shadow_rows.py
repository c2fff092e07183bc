"""Lines of the journals of versions in the shadow (strategy.live.simulation.shadow_journal) to lake rows."""

import re
from collections.abc import Callable
from typing import Any, Final

import polars as pl

from analytics.ingest.journal_rows import decoded, regime_name, with_day
from analytics.lake.store import Lake
from strategy.errors import BadData
from strategy.kernel.records import PURPOSE_NAMES
from strategy.venues.collector import Line

OUTCOMES: Final = ("open", "filled", "cancelled", "rejected")  # an outcome's place is its code (strategy.replay.rows)
_NAME: Final = re.compile(r"(?P<session>.+)-v(?P<version>\d+)-\d+")
_SHARED: Final = {"order_id": pl.Int64, "side": pl.Int64, "level": pl.Int64, "purpose": pl.String}
_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "fill": {
        "local_ts": pl.Int64,
        "exch_ts": pl.Int64,
        "trade_id": pl.Int64,
        **_SHARED,
        "maker": pl.Boolean,
        "price_ticks": pl.Int64,
        "qty_lots": pl.Int64,
        "fee_base_lots": pl.Float64,
        "fee_quote_atoms": pl.Float64,
        "mid_ticks": pl.Float64,
        "quoted_mid_ticks": pl.Float64,
        "quoted_regime": pl.String,
    },
    "order": {
        **_SHARED,
        "price_ticks": pl.Int64,
        "qty_lots": pl.Int64,
        "filled_lots": pl.Int64,
        "placed_ns": pl.Int64,
        "ended_ns": pl.Int64,
        "mid_ticks": pl.Float64,
        "regime": pl.String,
        "outcome": pl.String,
    },
    "sample": {
        "ts": pl.Int64,
        "mid_ticks": pl.Float64,
        "sigma": pl.Float64,
        "regime": pl.String,
        "base_lots": pl.Float64,
        "quote_atoms": pl.Float64,
    },
}
_STAMPS: Final = {"fill": "exch_ts", "order": "placed_ns", "sample": "ts"}


class ShadowRows:
    """Collect the lines of one shadow and write them as one batch."""

    def __init__(self, venue: str, symbol: str, name: str) -> None:
        """Collect for one journal; its name says session and version."""
        found = _NAME.fullmatch(name)
        if found is None:
            raise BadData(f"{name!r} is not SESSION-vVERSION-NUMBER")
        self._constants = {"venue": venue, "symbol": symbol, "session": found["session"], "shadow": name}
        self._constants |= {"version": int(found["version"])}
        self._rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _SCHEMAS}

    def __len__(self) -> int:
        """Return the number of rows held."""
        return sum(map(len, self._rows.values()))

    def add(self, line: Line) -> None:
        """Take one line; its head and its end say nothing here, a malformed line is BadData."""
        body = decoded(line)
        kind = str(body.get("t"))
        if kind not in _SCHEMAS:
            return
        try:
            self._rows[kind].append({name: _READERS.get(name, _same)(body[name]) for name in _SCHEMAS[kind]})
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BadData(f"{kind} line is malformed ({error!r})") from error

    def write(self, lake: Lake) -> dict[str, int]:
        """Write the rows; called inside the transaction of the journal's segment row."""
        added = (lake.append(f"shadow_{kind}", self._frame(kind)) for kind in _SCHEMAS)
        return {"shadow_rows": sum(added)}

    def _frame(self, kind: str) -> pl.DataFrame:
        frame = with_day(pl.DataFrame(self._rows[kind], schema=_SCHEMAS[kind], orient="row"), _STAMPS[kind])
        return frame.with_columns(pl.lit(value).alias(name) for name, value in self._constants.items())


def _same(value: Any) -> Any:
    return value


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "purpose": PURPOSE_NAMES.__getitem__,
    "outcome": OUTCOMES.__getitem__,
    "regime": regime_name,
    "quoted_regime": regime_name,
    "maker": bool,
}
