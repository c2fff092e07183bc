"""A day in a lake: a small random market from collector lines, and a live session whose rows are those of a replay."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from analytics.ingest.importer import import_files
from analytics.lake.store import Lake, LakeSettings
from strategy.kernel.records import ENTRY, KILL_NAMES, PURPOSE_NAMES, REGIME_NAMES, TAKE_PROFIT
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig, ReplayResult, replay
from strategy.replay.tape import Tape, TapeInfo

VENUE, SYMBOL = "paper", "BTC/USDT"
START_NS = 1_723_100_400 * 10**9  # 2024-08-08 07:00 UTC
SECONDS = 240
CLOCK_AHEAD_NS = 1_300_000_000  # our clock against the venue's


def write_market(path: Path, seed: int = 4) -> None:
    """Write collector lines: a snapshot, then ten depth messages and about twenty trades a second."""
    rng = np.random.default_rng(seed)
    mid, last_id, trade_id, book = 6_000_000, 1, 0, set()
    with gzip.open(path, "wb") as file:
        for step in range(SECONDS * 10):
            ns = START_NS + step * 100_000_000
            local = ns + CLOCK_AHEAD_NS
            mid += int(rng.normal(0, 150))
            wanted = {(side, mid - side * (5 + 40 * i)) for side in (1, -1) for i in range(15)}
            gone = book - wanted
            levels = {"b": [], "a": []}
            for side, ticks in sorted(gone):
                levels["b" if side > 0 else "a"].append([price(ticks), "0.00000"])
            for side, ticks in sorted(wanted):
                levels["b" if side > 0 else "a"].append([price(ticks), f"{rng.integers(50, 900) / 1e5:.5f}"])
            book = wanted
            if step == 0:
                snapshot = {"lastUpdateId": last_id, "bids": levels["b"], "asks": levels["a"]}
                file.write(b"%d %s\n" % (local, orjson.dumps(snapshot)))
                continue
            for _ in range(rng.poisson(2)):
                trade_id += 1
                side = int(rng.choice([1, -1]))
                ticks = mid + side * (5 + int(rng.geometric(0.01)))
                data = {"e": "trade", "E": ns // 10**6, "s": "BTCUSDT", "t": trade_id, "p": price(ticks)}
                data |= {"q": f"{rng.integers(1, 300) / 1e5:.5f}", "T": ns // 10**6, "m": side < 0}
                file.write(b"%d %s\n" % (local + 1, orjson.dumps({"stream": "btcusdt@trade", "data": data})))
            head = {"e": "depthUpdate", "E": ns // 10**6, "s": "BTCUSDT", "U": last_id + 1, "u": last_id + 1}
            last_id += 1
            frame = {"stream": "btcusdt@depth@100ms", "data": head | levels}
            file.write(b"%d %s\n" % (local + 2, orjson.dumps(frame)))


def price(ticks: int) -> str:
    """Return ticks of 0.01 as the venue writes a price."""
    return f"{ticks // 100}.{ticks % 100:02d}000000"


def open_lake(folder: Path) -> Any:
    """Return a lake under a folder, to be used as a context manager."""
    return Lake.open(LakeSettings.under(folder / "lake"))


def fill_market(lake: Lake, folder: Path) -> None:
    """Import the random market."""
    path = folder / "market.gz"
    write_market(path)
    import_files(lake, [path], VENUE, SYMBOL, tick_size="0.01", lot_size="0.00001")


def quote_live(
    lake: Lake, tape: Tape, info: TapeInfo, parameters: ParameterSet, version: int, swap_to: int | None = None
) -> ReplayResult:
    """Replay a set and store what it did as session `s1` of a live process.

    With `swap_to` the second half of the session is said to have run under another version. Stored times are our
    clock's, from which the tape's offset has been taken out.
    """
    config = ReplayConfig(base=0.01, quote=2_000.0, maker_fee_bps=1.0, record_decisions=True, version=version)
    result = replay(tape, info, parameters, config)
    if swap_to is not None:
        result.decisions["version"][len(result.decisions) // 2 :] = swap_to
    for table, frame in (
        ("decision", _decisions(result)),
        ("order_event", _order_events(result)),
        ("fill", _fills(result)),
    ):
        lake.append(table, _placed(frame.with_columns(pl.col("local_ts") + info.clock_offset_ns)))
    return result


def _placed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        pl.lit(VENUE).alias("venue"),
        pl.lit(SYMBOL).alias("symbol"),
        pl.lit("s1").alias("session"),
        pl.from_epoch("local_ts", "ns").dt.date().alias("day"),
    )


def _decisions(result: ReplayResult) -> pl.DataFrame:
    rows = result.decisions
    names = (
        "seq",
        "local_ts",
        "version",
        "mid_ticks",
        "reference_ticks",
        "positions",
        "sigma",
        "bid_bps",
        "ask_bps",
        "base_lots",
        "quote_atoms",
    )
    columns = {name: rows[name].tolist() for name in names}
    columns |= {name: rows[name].astype(bool).tolist() for name in ("bid_enabled", "ask_enabled")}
    quotes = [name for name in rows.dtype.names if name.startswith(("want_", "rest_"))]
    columns |= {name: rows[name].tolist() for name in quotes}
    columns |= {"kill": [KILL_NAMES[i] for i in rows["kill"]]}
    columns |= {"regime": [REGIME_NAMES[i] for i in rows["regime"]], "reasons": [""] * len(rows)}
    return pl.DataFrame(columns)


def _order_events(result: ReplayResult) -> pl.DataFrame:
    events = []
    ends = {2: "cancelled", 3: "reject"}
    for row in result.orders:
        same = {name: int(row[name]) for name in ("order_id", "version", "side", "level", "price_ticks", "qty_lots")}
        same |= {"purpose": PURPOSE_NAMES[row["purpose"]], "maker": bool(row["purpose"] in (ENTRY, TAKE_PROFIT))}
        events.append(same | {"local_ts": int(row["placed_ns"]), "what": "place"})
        if row["outcome"] in ends:
            events.append(same | {"local_ts": int(row["ended_ns"]), "what": ends[row["outcome"]]})
    said = {"detail": pl.lit("").alias("detail"), "venue_time": pl.lit(None, pl.Int64).alias("exch_ts")}
    said |= {"client": pl.format("c-{}", "order_id").alias("client_id")}
    return pl.DataFrame(events).with_row_index("seq").with_columns(pl.col("seq").cast(pl.Int64), *said.values())


def _fills(result: ReplayResult) -> pl.DataFrame:
    rows = result.fills
    columns = {name: rows[name].tolist() for name in rows.dtype.names}
    columns["purpose"] = [PURPOSE_NAMES[i] for i in rows["purpose"]]
    columns["maker"] = rows["maker"].astype(bool).tolist()
    columns["quoted_regime"] = [REGIME_NAMES[i] for i in rows["quoted_regime"]]
    return pl.DataFrame(columns).with_row_index("seq").with_columns(pl.col("seq").cast(pl.Int64))
