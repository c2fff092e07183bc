"""A day in a lake: a small random market from collector lines, and a live session whose rows are those of a replay."""

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
import polars as pl
import zstandard

from analytics.ingest.importer import import_files
from analytics.lake.store import Lake, LakeSettings
from analytics.registry.registry import Registry
from analytics.tape.tape import load_tape
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.kernel.records import ENTRY, KILL_NAMES, PURPOSE_NAMES, REGIME_NAMES, TAKE_PROFIT
from strategy.live.journal import JournalWriter, action_fields
from strategy.live.layout import Layout
from strategy.live.sizing import sized
from strategy.live.warm_up import LiveStepper
from strategy.policies.document import Instrument, ParameterDocument
from strategy.policies.parameters import ParameterSet, Quoting, Regimes
from strategy.replay.driver import ReplayConfig, ReplayResult, instrument_of, replay
from strategy.replay.tape import Tape, TapeInfo

VENUE, SYMBOL = "paper", "BTC/USDT"
DAY: Final = date(2024, 8, 8)
SESSION: Final = "s1"
TICKS: Final = ("0.01", "1")  # of a fine market and of a coarse one
PARAMETERS: Final = ParameterSet(
    volatility={"policy": "rolling_std", "vol_window_seconds": 10.0},
    regimes=Regimes(
        low_threshold=2.2e-5, medium_threshold=2.6e-5, high_threshold=3.2e-5, spread_low=1.0, spread_medium=2.0
    ),
    quoting=Quoting(executor_refresh_time=4.0, cooldown_time=1.0),
)
AS_IT_WAS: Final = ReplayConfig(base=0.01, quote=2_000.0, maker_fee_bps=1.0)  # what the live session was made with
START_NS = 1_723_100_400 * 10**9  # 2024-08-08 07:00 UTC
SECONDS = 240
CLOCK_AHEAD_NS = 1_300_000_000  # our clock against the venue's


def write_market(path: Path, seed: int = 4, coarse: bool = False) -> None:
    """Write collector lines: a snapshot, then ten depth messages and about twenty trades a second.

    A `coarse` one has ticks of 1.00, so that trades often print where orders of ours stand in a queue.
    """
    rng = np.random.default_rng(seed)
    mid, last_id, trade_id, book = 6_000_000, 1, 0, set()
    with gzip.open(path, "wb") as file:
        for step in range(SECONDS * 10):
            ns = START_NS + step * 100_000_000
            local = ns + CLOCK_AHEAD_NS
            mid += 100 * round(rng.normal(0, 0.35)) if coarse else int(rng.normal(0, 150))
            near, apart = (100, 100) if coarse else (5, 40)
            wanted = {(side, mid - side * (near + apart * i)) for side in (1, -1) for i in range(15)}
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
                away = 100 * int(rng.geometric(0.25)) if coarse else 5 + int(rng.geometric(0.01))
                ticks = mid + side * away
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


def fill_market(lake: Lake, folder: Path, coarse: bool = False) -> None:
    """Import the random market."""
    path = folder / "market.gz"
    write_market(path, coarse=coarse)
    import_files(lake, [path], VENUE, SYMBOL, tick_size=TICKS[coarse], lot_size="0.00001")


class LiveDay(NamedTuple):
    """A lake with a market and one live session that is a replay's, and a registry with the version that was live."""

    lake: Lake
    registry: Registry
    layout: Layout
    version: int
    tape: Tape
    info: TapeInfo
    config: ReplayConfig
    result: ReplayResult
    size: float


@contextmanager
def live_day(
    home: Path,
    config: ReplayConfig = AS_IT_WAS,
    timed: bool = False,
    missed: int = 0,
    coarse: bool = False,
    size: float = 1.0,
) -> Iterator[LiveDay]:
    """Make a day under a folder; see `write_market` and `quote_live`."""
    registry = Registry(f"sqlite:///{home}/mlflow/mlflow.db")
    version = register(registry, coarse=coarse)
    with open_lake(home) as lake:
        fill_market(lake, home, coarse)
        tape, info = load_tape(lake, VENUE, SYMBOL)
        result = quote_live(lake, tape, info, version, config=config, timed=timed, missed=missed, size=size)
        yield LiveDay(lake, registry, Layout(home), version, tape, info, config, result, size)


def register(registry: Registry, parameters: ParameterSet = PARAMETERS, coarse: bool = False) -> int:
    """Register a set and return its version."""
    instrument = Instrument(venue=VENUE, symbol=SYMBOL, tick_size=TICKS[coarse], lot_size="0.00001")
    document = ParameterDocument(version=0, instrument=instrument, parameters=parameters, kernel_digest=KERNEL_DIGEST)
    return registry.register(document, None, "test", {}).version


def quote_live(
    lake: Lake,
    tape: Tape,
    info: TapeInfo,
    version: int,
    swap_to: int | None = None,
    config: ReplayConfig = AS_IT_WAS,
    timed: bool = False,
    missed: int = 0,
    size: float = 1.0,
) -> ReplayResult:
    """Replay the set and store what it did as session `s1` of a live process.

    With `swap_to` the second half of the session is said to have run under another version. `timed` adds what the
    venue answered and when, by the config's two constant latencies; with `missed` every so many-th fill never came.
    Orders are as large as `size` says, a factor under 1 on trial. Stored times are our clock's, from which the tape's
    offset has been taken out.
    """
    parameters = sized(PARAMETERS, size)
    result = replay(tape, info, parameters, replace(config, record_decisions=True, version=version))
    if swap_to is not None:
        result.decisions["version"][len(result.decisions) // 2 :] = swap_to
    if missed:
        result = replace(result, fills=result.fills[np.arange(len(result.fills)) % missed != 0])
    ways = (config.entry_latency_ns, config.response_latency_ns) if timed else None
    for table, frame in (
        ("decision", _decisions(result)),
        ("order_event", _order_events(result, ways)),
        ("fill", _fills(result)),
    ):
        lake.append(table, placed(frame.with_columns(pl.col("local_ts") + info.clock_offset_ns)))
    lake.append("quoted_size", placed(size_row(info.start_ns + info.clock_offset_ns, 0, version, size)))
    return result


def write_journal(day: LiveDay) -> Path:
    """Write the journal of the session: its events fed once more, with what the strategy said to each."""
    config = replace(day.config, record_events=True, version=day.version)
    parameters = sized(PARAMETERS, day.size)
    events = replay(day.tape, day.info, parameters, config).events
    result, document = day.result, day.registry.document(VENUE, SYMBOL, day.version)
    holdings = {"base_lots": result.start_base_lots, "quote_atoms": result.start_quote_atoms}
    stepper = LiveStepper(parameters, instrument_of(day.info), *holdings.values(), version=day.version)
    journal = JournalWriter(day.layout.journal(VENUE, SYMBOL), SESSION)
    head = {"session": SESSION, "document": document.model_dump(mode="json"), "kernel_digest": KERNEL_DIGEST}
    head["size_factor"] = day.size
    journal.session(int(events[0]["local_ts"]), head | holdings)
    for event in events:
        now = int(event["local_ts"])
        journal.event(event)
        count = stepper.feed(event)
        if stepper.decided:
            journal.decision(now, stepper.decision)
        for action in stepper.actions[:count]:
            journal.action(now, action_fields(action))
    journal.end(int(events[-1]["local_ts"]), "stopped")
    journal.close()
    return journal.path.with_name(journal.path.name + ".zst")


def tamper(journal: Path) -> None:
    """Let one decision of a journal say another width than it said."""
    lines = zstandard.decompress(journal.read_bytes(), max_output_size=1 << 30).splitlines(keepends=True)
    places = [i for i, line in enumerate(lines) if b'"t":"decision"' in line]
    chosen = places[len(places) // 2]
    lines[chosen] = re.sub(rb'"bid_bps":[0-9.e-]+', b'"bid_bps":77.0', lines[chosen])
    journal.write_bytes(zstandard.compress(b"".join(lines)))


def size_row(local_ts: int, seq: int, version: int, size: float) -> pl.DataFrame:
    """Return a row of `quoted_size`: what a version was quoted in from an event on."""
    return pl.DataFrame({"local_ts": [local_ts], "seq": [seq], "version": [version], "size_factor": [size]})


def placed(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the session's own columns to rows of its tables."""
    return frame.with_columns(
        pl.lit(VENUE).alias("venue"),
        pl.lit(SYMBOL).alias("symbol"),
        pl.lit(SESSION).alias("session"),
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


def _order_events(result: ReplayResult, ways: tuple[int, int] | None) -> pl.DataFrame:
    """Return the steps of every order; `ways` (ns there and back) add the answers and the cancels between."""
    events = []
    ends = {2: "cancelled", 3: "reject"}
    for row in result.orders:
        same = {name: int(row[name]) for name in ("order_id", "version", "side", "level", "price_ticks", "qty_lots")}
        same |= {"purpose": PURPOSE_NAMES[row["purpose"]], "maker": bool(row["purpose"] in (ENTRY, TAKE_PROFIT))}
        placed, ended, end = int(row["placed_ns"]), int(row["ended_ns"]), ends.get(row["outcome"])
        events.append(same | {"local_ts": placed, "what": "place", "exch_ts": None})
        if ways is None:
            events += [same | {"local_ts": ended, "what": end, "exch_ts": None}] if end else []
            continue
        there, back = ways
        answered = [("ack", placed + there)] if end != "reject" else []
        answered += [(end, ended)] if end else []
        events += [same | {"local_ts": at + back, "what": what, "exch_ts": at} for what, at in answered]
        if end == "cancelled":
            events.append(same | {"local_ts": ended - there, "what": "cancel", "exch_ts": None})
    frame = pl.DataFrame(events, schema_overrides={"exch_ts": pl.Int64}).sort("local_ts", maintain_order=True)
    said = (pl.lit("").alias("detail"), pl.format("c-{}", "order_id").alias("client_id"))
    return frame.with_row_index("seq").with_columns(pl.col("seq").cast(pl.Int64), *said)


def _fills(result: ReplayResult) -> pl.DataFrame:
    rows = result.fills
    columns = {name: rows[name].tolist() for name in rows.dtype.names}
    columns["purpose"] = [PURPOSE_NAMES[i] for i in rows["purpose"]]
    columns["maker"] = rows["maker"].astype(bool).tolist()
    columns["quoted_regime"] = [REGIME_NAMES[i] for i in rows["quoted_regime"]]
    return pl.DataFrame(columns).with_row_index("seq").with_columns(pl.col("seq").cast(pl.Int64))
