"""Lake rows to the replay's columns, cached as memory-mapped arrays under the fingerprint of what they are of."""

import functools
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from analytics import tape_book, tape_steps
from analytics.instruments import instrument
from analytics.lake import Lake
from analytics.tape_book import Levels, interleave, rebuild
from analytics.tape_steps import Plan, plan
from strategy.errors import Failed
from strategy.policies.document import Instrument
from strategy.replay.tape import Tape, TapeInfo
from strategy.venues import sequence

I64 = NDArray[np.int64]

_INFO: Final = "info.json"
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
    folder = cache / _key(lake, venue, symbol, window)
    if not (folder / _INFO).is_file():
        rows = _read(lake, venue, symbol, window)
        folder = cache / rows.key
        _save(folder, *_build(rows))
    return _open(folder)


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
    best, levels = rebuild(steps.steps, _levels(rows.snapshots), _levels(rows.updates))
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


def _levels(frame: pl.DataFrame) -> Levels:
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
    """Return what names a tape: lake, symbol, how much the lake holds of it, window, and the code that builds it."""
    held = lake.query("queries/market_version", venue=venue, symbol=symbol).item()
    parts = [_code_digest(), lake.settings.catalog, held, venue, symbol, *window]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


@functools.cache
def _code_digest() -> str:
    sources = [Path(module.__file__ or "") for module in (sequence, tape_book, tape_steps)] + [Path(__file__)]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _save(folder: Path, tape: Tape, info: TapeInfo) -> None:
    """Write a tape beside its place and move it there in one step; one that is there already is as good."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    for name, column in tape._asdict().items():
        np.save(draft / f"{name}.npy", column)
    (draft / _INFO).write_bytes(orjson.dumps(info._asdict(), option=orjson.OPT_INDENT_2))
    try:
        os.rename(draft, folder)
    except OSError as error:
        shutil.rmtree(draft)
        if not (folder / _INFO).is_file():
            raise Failed(f"the tape cannot be kept at {folder}: {error.strerror}") from error


def _open(folder: Path) -> tuple[Tape, TapeInfo]:
    """Map a tape's files; copy-on-write, because compiled code would be made once more for read-only arrays."""
    columns = {name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="c")) for name in Tape._fields}
    return Tape(**columns), TapeInfo(**orjson.loads((folder / _INFO).read_bytes()))
