"""Lake rows to the replay's columns, kept as memory-mapped files under a digest of the data and of the code."""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from analytics.lake import instruments
from analytics.lake.instruments import instrument
from analytics.lake.statements import statement
from analytics.lake.store import Lake
from analytics.tape import book as tape_book
from analytics.tape import steps as tape_steps
from analytics.tape.book import Levels, interleave, rebuild
from analytics.tape.columns import kept, open_columns
from analytics.tape.steps import Plan, plan
from strategy.errors import Failed
from strategy.policies.document import Instrument
from strategy.replay import tape as replay_tape
from strategy.replay.tape import Tape, TapeInfo
from strategy.venues import sequence

I64 = NDArray[np.int64]

_QUERIES: Final = ("queries/book_start", "queries/depth_updates", "queries/depth_snapshots", "queries/trades")
_WARM_UP_NS: Final = 60_000_000_000  # diffs that a snapshot continues from are received at most so much before it
_FOREVER_NS: Final = 2**62
_EARLY_SHARE: Final = 0.001


def load_tape(
    lake: Lake,
    venue: str,
    symbol: str,
    start_ns: int | None = None,
    end_ns: int | None = None,
    cache: Path | None = None,
) -> tuple[Tape, TapeInfo]:
    """Return the tape of one symbol over a window of receive time (both ends inclusive; None = all there is).

    With a `cache` folder the columns are memory-mapped files, written once for each lake snapshot, symbol and window.
    """
    window = (start_ns or 0, _FOREVER_NS if end_ns is None else end_ns)
    if cache is None:
        return _build(_read(lake, venue, symbol, window))
    found = open_columns(cache / _key(lake, venue, symbol, window))
    if found is None:
        rows = _read(lake, venue, symbol, window)
        tape, info = _build(rows)
        found = kept(cache / rows.key, tape._asdict(), info._asdict())
    return Tape(**found[0]), TapeInfo(**found[1])


@dataclass(frozen=True, slots=True)
class _Rows:
    """Everything that one tape is made of, read from one lake snapshot."""

    sizes: Instrument
    window: tuple[int, int]
    snapshot: int
    key: str
    updates: pl.DataFrame
    snapshots: pl.DataFrame
    trades: pl.DataFrame


def _read(lake: Lake, venue: str, symbol: str, window: tuple[int, int]) -> _Rows:
    """Read everything in one transaction, so that it is of one lake snapshot."""
    return lake.atomically(lambda open_lake: _read_once(open_lake, venue, symbol, window))


def _read_once(lake: Lake, venue: str, symbol: str, window: tuple[int, int]) -> _Rows:
    sizes = instrument(lake, venue, symbol)
    if sizes is None:
        raise Failed(f"the lake holds nothing of {venue} {symbol}")
    place = {"venue": venue, "symbol": symbol}
    start, end = window
    begin = lake.query("queries/book_start", **place, before_ns=start).item()
    reach = {"start_ns": start if begin is None else begin - _WARM_UP_NS, "end_ns": end}
    return _Rows(
        sizes=sizes,
        window=window,
        snapshot=lake.snapshot_id(),
        key=_key(lake, venue, symbol, window),
        updates=lake.query("queries/depth_updates", **place, **reach),
        snapshots=lake.query("queries/depth_snapshots", **place, **reach),
        trades=lake.query("queries/trades", **place, start_ns=start, end_ns=end),
    )


def _build(rows: _Rows) -> tuple[Tape, TapeInfo]:
    steps = plan(rows.updates, rows.snapshots, rows.window[0])
    if len(steps.update_local) == 0:
        raise Failed(f"{rows.sizes.venue} {rows.sizes.symbol} has no book in the window: no snapshot that is continued")
    offset = clock_offset(
        np.concatenate((_column(rows.updates, "local_ts"), _column(rows.trades, "local_ts"))),
        np.concatenate((_column(rows.updates, "exch_ts"), _column(rows.trades, "exch_ts"))),
    )
    best, levels = rebuild(steps.steps, levels_of(rows.snapshots), levels_of(rows.updates))
    tape = Tape(
        **_update_columns(steps, offset),
        bid_ticks=best[:, 0].copy(),
        bid_lots=best[:, 1].copy(),
        ask_ticks=best[:, 2].copy(),
        ask_lots=best[:, 3].copy(),
        level_start=levels.start,
        level_side=levels.side,
        level_ticks=levels.ticks,
        level_lots=levels.lots,
        **_trade_columns(rows.trades, offset),
        **_gap_columns(steps, offset),
    )
    return tape, _info(rows, tape, offset)


def clock_offset(local_ts: I64, exch_ts: I64) -> int:
    """Return what to take from receive times (ns) so that no feed latency is negative.

    It is the smallest local - exch but for the earliest thousandth, which a step of either clock can forge; these few
    then count as latency 0. The true smallest latency cannot be told from an offset and becomes 0 with it.
    """
    if len(local_ts) == 0:
        return 0
    return int(np.quantile(local_ts - exch_ts, _EARLY_SHARE, method="lower"))


def _update_columns(steps: Plan, offset: int) -> dict[str, Any]:
    local = np.maximum.accumulate(steps.update_local - offset)
    exch = np.maximum.accumulate(np.where(steps.update_exch > 0, steps.update_exch, local))
    return {"update_exch": exch, "update_local": np.maximum(local, exch), "fresh": steps.steps.fresh}


def _trade_columns(trades: pl.DataFrame, offset: int) -> dict[str, Any]:
    exch = _column(trades, "exch_ts")
    return {
        "trade_exch": exch,
        "trade_local": np.maximum(_column(trades, "local_ts") - offset, exch),
        "trade_side": trades["side"].cast(pl.Int8).to_numpy().copy(),
        "trade_ticks": _column(trades, "price_ticks"),
        "trade_lots": _column(trades, "qty_lots"),
    }


def _gap_columns(steps: Plan, offset: int) -> dict[str, Any]:
    return {"gap_exch": steps.gap_exch, "gap_local": np.maximum(steps.gap_local - offset, steps.gap_exch)}


def _column(frame: pl.DataFrame, name: str) -> I64:
    return frame[name].cast(pl.Int64).to_numpy().copy()


def levels_of(frame: pl.DataFrame) -> Levels:
    """Return the levels of depth rows, message by message, bids before asks."""
    sides = []
    for side in ("bid", "ask"):
        counts = frame[f"{side}_ticks"].list.len().cast(pl.Int64).to_numpy()
        sides.append((counts, _flat(frame[f"{side}_ticks"]), _flat(frame[f"{side}_lots"])))
    return interleave(sides[0], sides[1])


def _flat(lists: pl.Series) -> I64:
    return np.asarray(lists.rechunk().to_arrow().flatten().to_numpy(zero_copy_only=False), np.int64)


def _info(rows: _Rows, tape: Tape, offset: int) -> TapeInfo:
    sizes = rows.sizes
    times = [tape.update_local, tape.trade_local]
    return TapeInfo(
        venue=sizes.venue,
        symbol=sizes.symbol,
        tick_size=sizes.tick_size,
        lot_size=sizes.lot_size,
        min_qty=sizes.min_qty,
        min_notional=sizes.min_notional,
        start_ns=int(min(column[0] for column in times if len(column))),
        end_ns=int(max(column.max() for column in times if len(column))),
        clock_offset_ns=offset,
        lake_snapshot=rows.snapshot,
        fingerprint=_fingerprint(tape, sizes),
    )


def _fingerprint(tape: Tape, sizes: Instrument) -> str:
    digest = hashlib.sha256(orjson.dumps(sizes.model_dump(), option=orjson.OPT_SORT_KEYS))
    for name, column in tape._asdict().items():
        digest.update(f"{name}:{column.dtype.str}:{len(column)}".encode())
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()


def _key(lake: Lake, venue: str, symbol: str, window: tuple[int, int]) -> str:
    """Return what names a tape: the lake, what it holds of the symbol, window, and the code that builds it."""
    held = lake.query("queries/market_version", venue=venue, symbol=symbol).item()
    sizes = lake.query("queries/instrument", venue=venue, symbol=symbol).rows()
    parts = [_code_digest(), lake.settings.catalog, held, sizes, venue, symbol, *window]
    return f"tape-{hashlib.sha256(orjson.dumps(parts)).hexdigest()}"


@functools.cache
def _code_digest() -> str:
    """Return the digest of all that makes a tape of a lake's rows: modules and queries."""
    modules = (sequence, instruments, tape_book, tape_steps, replay_tape)
    texts = [Path(path).read_bytes() for path in (__file__, *(module.__file__ for module in modules)) if path]
    return hashlib.sha256(b"".join([*texts, *(statement(name).encode() for name in _QUERIES)])).hexdigest()
