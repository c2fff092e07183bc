"""Lines of session journals and of the audit log to lake rows."""

from collections.abc import Callable
from typing import Any, Final

import orjson
import polars as pl

from analytics.lake.store import Lake
from strategy.errors import BadData
from strategy.kernel.records import KILL_NAMES, REASON_NAMES, REGIME_NAMES
from strategy.venues.collector import Line

_QUOTES: Final = tuple(
    f"{state}_{side}_{size}" for state in ("want", "rest") for side in ("bid", "ask") for size in ("ticks", "lots")
)
_INTS: Final = pl.List(pl.Int64)
_DECISION: Final = {
    "local_ts": pl.Int64,
    "seq": pl.Int64,
    "version": pl.Int64,
    "mid_ticks": pl.Float64,
    "reference_ticks": pl.Float64,
    "sigma": pl.Float64,
    "regime": pl.String,
    "bid_enabled": pl.Boolean,
    "ask_enabled": pl.Boolean,
    "reasons": pl.String,
    "kill": pl.String,
    "positions": pl.Int64,
    "bid_bps": pl.Float64,
    "ask_bps": pl.Float64,
    "base_lots": pl.Float64,
    "quote_atoms": pl.Float64,
    **dict.fromkeys(_QUOTES, _INTS),
}
_ORDER: Final = {
    "local_ts": pl.Int64,
    "seq": pl.Int64,
    "client_id": pl.String,
    "order_id": pl.Int64,
    "version": pl.Int64,
    "side": pl.Int64,
    "level": pl.Int64,
    "purpose": pl.String,
    "maker": pl.Boolean,
    "what": pl.String,
    "exch_ts": pl.Int64,
    "price_ticks": pl.Int64,
    "qty_lots": pl.Int64,
    "detail": pl.String,
}
_FILL: Final = {
    "local_ts": pl.Int64,
    "seq": pl.Int64,
    "exch_ts": pl.Int64,
    "trade_id": pl.Int64,
    "order_id": pl.Int64,
    "version": pl.Int64,
    "side": pl.Int64,
    "level": pl.Int64,
    "purpose": pl.String,
    "maker": pl.Boolean,
    "price_ticks": pl.Int64,
    "qty_lots": pl.Int64,
    "fee_base_lots": pl.Float64,
    "fee_quote_atoms": pl.Float64,
    "mid_ticks": pl.Float64,
    "quoted_mid_ticks": pl.Float64,
    "quoted_regime": pl.String,
}
_SIZE: Final = {
    "local_ts": pl.Int64,
    "seq": pl.Int64,
    "version": pl.Int64,
    "size_factor": pl.Float64,
}
AUDIT_SCHEMA: Final = {
    "venue": pl.String,
    "symbol": pl.String,
    "at_ns": pl.Int64,
    "what": pl.String,
    "from_version": pl.Int64,
    "to_version": pl.Int64,
    "who": pl.String,
    "reason": pl.String,
    "outcome": pl.String,
}


# What journals before schema 2 do not say: null, as in the rows that the lake held before it had the columns.
_SCHEMA_2: Final = dict.fromkeys(("reference_ticks", "kill", "positions", "purpose", "maker"))


class JournalRows:
    """Collect the lines of one session and write them as one batch."""

    def __init__(self, venue: str, symbol: str, session: str) -> None:
        """Collect for one session of one symbol."""
        self._place = {"venue": venue, "symbol": symbol}
        self._session = session
        self.decisions: list[dict[str, Any]] = []
        self.orders: list[dict[str, Any]] = []
        self.fills: list[dict[str, Any]] = []
        self.sizes: list[dict[str, Any]] = []

    def __len__(self) -> int:
        """Return the number of rows held."""
        return len(self.decisions) + len(self.orders) + len(self.fills) + len(self.sizes)

    def add(self, line: Line) -> None:
        """Take one line; kinds without a table say nothing here, a malformed line is BadData."""
        body = decoded(line)
        taker = _TAKERS.get(str(body.get("t")))
        if taker is None:
            return
        try:
            taker(self, line, body)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BadData(f"{body['t']} line is malformed ({error!r})") from error

    def _add_decision(self, line: Line, body: dict[str, Any]) -> None:
        said = {**_SCHEMA_2, **body["d"]}
        row = {name: said[name] for name in _DECISION if name not in _QUOTES}
        row |= {name: _trimmed(said[name]) for name in _QUOTES}
        row |= {"regime": regime_name(said["regime"]), "reasons": _reasons(said["reasons"])}
        row |= {"bid_enabled": bool(said["bid_enabled"]), "ask_enabled": bool(said["ask_enabled"])}
        if said["kill"] is not None:
            row["kill"] = KILL_NAMES[said["kill"]]
        self.decisions.append(row)

    def _add_order(self, line: Line, body: dict[str, Any]) -> None:
        said = {
            **_SCHEMA_2,
            **body,
            "seq": line.number,
            "local_ts": line.local_ns,
            "detail": str(body.get("detail") or ""),
            "exch_ts": body.get("exch_ts") or None,  # 0 = not told; older journals lack it
        }
        self.orders.append({name: said[name] for name in _ORDER})

    def _add_fill(self, line: Line, body: dict[str, Any]) -> None:
        regime = regime_name(body["quoted_regime"])
        said = {**_SCHEMA_2, **body, "seq": line.number, "local_ts": line.local_ns, "quoted_regime": regime}
        self.fills.append({name: said[name] for name in _FILL})

    def _add_size(self, line: Line, body: dict[str, Any]) -> None:
        """Keep how large a version quotes from an event on; older journals do not say, and quoted in full."""
        said = {"local_ts": line.local_ns, "seq": body.get("seq", 0), "size_factor": body.get("size_factor", 1.0)}
        self.sizes.append(said | {"version": body["document"]["version"]})

    def write(self, lake: Lake) -> dict[str, int]:
        """Write the rows; called inside the transaction of the journal's segment row."""
        lake.append("quoted_size", self._frame(self.sizes, _SIZE))
        fills = self._frame(self.fills, _FILL).unique(
            ["trade_id", "exch_ts", "side"], keep="first", maintain_order=True
        )
        return {
            "decisions": lake.append("decision", self._frame(self.decisions, _DECISION)),
            "order_events": lake.append("order_event", self._frame(self.orders, _ORDER)),
            "fills": lake.merge("staging/add_fill", fills, **self._place),
        }

    def _frame(self, rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
        frame = with_day(pl.DataFrame(rows, schema=schema, orient="row"), "local_ts")
        constants = {**self._place, "session": self._session}
        return frame.with_columns(pl.lit(value).alias(name) for name, value in constants.items())


def audit_row(line: Line) -> pl.DataFrame:
    """Return a line of the audit log as a row of `parameter_event`."""
    said = {"from_version": None, "to_version": None, **decoded(line), "at_ns": line.local_ns}
    missing = [name for name in AUDIT_SCHEMA if name not in said]
    if missing:
        raise BadData(f"audit line lacks {', '.join(missing)}")
    return with_day(
        pl.DataFrame([{name: said[name] for name in AUDIT_SCHEMA}], schema=AUDIT_SCHEMA, orient="row"), "at_ns"
    )


def decoded(line: Line) -> dict[str, Any]:
    """Return the JSON object of a line."""
    try:
        body = orjson.loads(line.payload)
    except orjson.JSONDecodeError as error:
        raise BadData(f"not JSON ({error})") from error
    if line.local_ns < 0 or not isinstance(body, dict):
        raise BadData("is not `<local_ns> {…}`")
    return body


def with_day(frame: pl.DataFrame, stamp: str) -> pl.DataFrame:
    """Add the UTC day of a ns stamp."""
    return frame.with_columns(pl.from_epoch(stamp, "ns").dt.date().alias("day"))


def regime_name(regime: int | str) -> str:
    """Return a regime's name, given as number or name."""
    return regime if isinstance(regime, str) else REGIME_NAMES[regime]


def _reasons(bits: int) -> str:
    return "|".join(name for bit, name in REASON_NAMES.items() if bits & bit)


def _trimmed(levels: list[int]) -> list[int]:
    """Drop the unused levels at the end; a level's place in the list stays its number."""
    used = max((index + 1 for index, value in enumerate(levels) if value), default=0)
    return levels[:used]


_TAKERS: Final[dict[str, Callable[[JournalRows, Line, dict[str, Any]], None]]] = {
    "session": JournalRows._add_size,
    "parameters": JournalRows._add_size,
    "decision": JournalRows._add_decision,
    "order": JournalRows._add_order,
    "fill": JournalRows._add_fill,
}
