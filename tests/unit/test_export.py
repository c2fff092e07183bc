"""What `microvol export` writes is what the tape and the lake hold."""

import itertools
import json
import os
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.export import hft_tape
from analytics.export import parquet as exports_parquet
from analytics.export.hft_rows import EXCH_EVENT, LOCAL_EVENT, ordered
from analytics.export.hftbacktest import export_hftbacktest, in_units
from analytics.export.parquet import Window, export_parquet
from analytics.ingest.importer import import_files
from analytics.lake.market_columns import MarketColumns
from analytics.lake.store import Lake, LakeSettings
from analytics.tape.book_series import Market
from analytics.tape.tape import load_tape
from flows.cli import run
from strategy.errors import BadInput, Failed
from strategy.kernel.records import BUY, SELL
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from strategy.replay.tape import Tape, TapeInfo
from tests.unit import market_lines as lines
from tests.unit.research_samples import SYMBOL, VENUE, Recording, recording

pytestmark = pytest.mark.slow

HERE = (VENUE, SYMBOL)
PLACE = ["--venue", VENUE, "--symbol", SYMBOL]
DEPTH, TRADE, CLEAR, SNAPSHOT = 1, 2, 3, 4
Book = dict[tuple[int, int], int]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = dict(os.environ)
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    with Lake.open(LakeSettings.under(folder / "lake")) as lake:
        raw = [*recording(8).lines, lines.ticker(30.0, 900, "99.99", "100.01")]
        import_files(lake, [lines.write(folder / "raw.log", raw)], *HERE)
    return folder


@pytest.fixture(scope="module")
def recorded(home: Path) -> tuple[Tape, TapeInfo]:
    with Lake.open(LakeSettings.under(home / "lake"), read_only=True) as lake:
        return load_tape(lake, *HERE)


def events(file: Path) -> np.ndarray[Any, Any]:
    found = np.load(file)
    assert found.files == ["data"]
    return found["data"]


def for_clock(rows: np.ndarray[Any, Any], flag: int) -> np.ndarray[Any, Any]:
    return rows[rows["ev"] & flag != 0]


def steps(row: Any, info: TapeInfo) -> tuple[int, int]:
    ticks, lots = Decimal(str(row["px"])) / Decimal(info.tick_size), Decimal(str(row["qty"])) / Decimal(info.lot_size)
    assert ticks == int(ticks)
    assert lots == int(lots)
    return int(ticks), int(lots)


def side_of(row: Any) -> int:
    return {1 << 29: BUY, 1 << 28: SELL, 0: 0}[int(row["ev"]) & (3 << 28)]


def told(rows: np.ndarray[Any, Any], info: TapeInfo) -> list[tuple[Any, ...]]:
    """Return what rows of one clock tell: trades, and the book after each run of depth rows of one moment."""
    book: Book = {}
    found: list[tuple[Any, ...]] = []
    for (_, times), group in itertools.groupby(
        rows, key=lambda row: (int(row["ev"]) & 0xFF == TRADE, (int(row["exch_ts"]), int(row["local_ts"])))
    ):
        for row in group:
            kind = int(row["ev"]) & 0xFF
            if kind == TRADE:
                found.append(("trade", times, side_of(row), *steps(row, info)))
            elif kind == CLEAR:
                book = {}
            else:
                ticks, lots = steps(row, info)
                book[side_of(row), ticks] = lots
        if kind != TRADE:
            found.append(("book", times, {level: lots for level, lots in book.items() if lots}))
    return found


def expected(tape: Tape, clock: str) -> list[tuple[Any, ...]]:
    """Return the same of a tape, by plain dictionaries."""
    book: Book = {}
    epochs = np.cumsum(tape.fresh)
    happened: list[tuple[Any, ...]] = []
    for i in range(len(tape.trade_exch)):
        times = (int(tape.trade_exch[i]), int(tape.trade_local[i]))
        what = (int(tape.trade_side[i]), int(tape.trade_ticks[i]), int(tape.trade_lots[i]))
        happened.append((times, 0, 0, ("trade", times, *what)))
    for k in range(len(tape.gap_exch)):
        times = (int(tape.gap_exch[k]), int(tape.gap_local[k]))
        happened.append((times, 1, int(np.searchsorted(epochs, k + 2)) - 0.5, ("book", times, {})))
    for u in range(len(tape.fresh)):
        for row in range(tape.level_start[u], tape.level_start[u + 1]):
            book[int(tape.level_side[row]), int(tape.level_ticks[row])] = int(tape.level_lots[row])
        times = (int(tape.update_exch[u]), int(tape.update_local[u]))
        stands = {level: lots for level, lots in book.items() if lots}
        changed = tape.level_start[u + 1] > tape.level_start[u] or tape.fresh[u] == 1
        if changed:
            happened.append((times, 1, u, ("book", times, stands)))
    at = 0 if clock == "exch_ts" else 1
    in_order = [what for *_, what in sorted(happened, key=lambda each: (each[0][at], each[1], each[2]))]
    # what follows at the very same moment replaces what it follows, such as the snapshot at hand when a hole shows
    later = [*in_order[1:], None]
    return [
        what
        for what, then in zip(in_order, later, strict=True)
        if what[0] == "trade" or then is None or what[:2] != then[:2]
    ]


@pytest.mark.parametrize(("clock", "flag"), [("exch_ts", EXCH_EVENT), ("local_ts", LOCAL_EVENT)])
@pytest.mark.parametrize("chunk", [hft_tape.CHUNK, 11])
def test_each_clock_is_told_the_tapes_trades_gaps_and_books(
    recorded: tuple[Tape, TapeInfo],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clock: str,
    flag: int,
    chunk: int,
) -> None:
    monkeypatch.setattr(hft_tape, "CHUNK", chunk)
    tape, info = recorded
    assert len(tape.gap_exch) == 3
    done = export_hftbacktest(tape, info, tmp_path / "events.npz")
    rows = events(tmp_path / "events.npz")
    assert done.rows == {tmp_path / "events.npz": len(rows)}
    mine = for_clock(rows, flag)
    assert (np.diff(mine[clock]) >= 0).all()
    assert told(mine, info) == expected(tape, clock)


def test_changes_between_snapshots_are_the_tapes_columns_row_by_row(tmp_path: Path) -> None:
    tape, info = synthetic_tape(SyntheticMarket(updates=200))
    export_hftbacktest(tape, info, tmp_path / "events.npz")
    rows = for_clock(events(tmp_path / "events.npz"), EXCH_EVENT)
    kinds = rows["ev"] & np.uint64(0xFF)
    changes, trades = rows[kinds == DEPTH], rows[kinds == TRADE]
    first = int(tape.level_start[1])
    assert np.array_equal(changes["px"], in_units(tape.level_ticks[first:].astype(float), info.tick_size))
    assert np.array_equal(changes["qty"], in_units(tape.level_lots[first:].astype(float), info.lot_size))
    assert np.array_equal(np.where(changes["ev"] & np.uint64(1 << 29), BUY, SELL), tape.level_side[first:])
    assert np.array_equal(changes["exch_ts"], np.repeat(tape.update_exch, np.diff(tape.level_start))[first:])
    assert np.array_equal(trades["local_ts"], tape.trade_local)
    assert np.array_equal(trades["px"], in_units(tape.trade_ticks.astype(float), info.tick_size))
    assert (kinds == SNAPSHOT).sum() == first
    assert (kinds == CLEAR).sum() == 1


pairs = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40)


@given(pairs)
def test_rows_are_in_the_order_of_both_clocks_and_each_event_is_told_once_to_each(times: list[tuple[int, int]]) -> None:
    exch, local = (np.array([each[i] for each in times], np.int64) for i in (0, 1))
    order = ordered(exch, local)
    for flag, clock in ((EXCH_EVENT, exch), (LOCAL_EVENT, local)):
        mine = order.event[order.clocks & np.uint64(flag) != 0]
        assert mine.tolist() == np.argsort(clock, kind="stable").tolist()


def test_events_in_order_on_both_clocks_stand_once() -> None:
    exch = np.array([1, 2, 3, 4, 5])
    assert len(ordered(exch, exch + 7).event) == 5
    assert ordered(exch, np.array([1, 3, 2, 4, 5])).event.tolist() == [0, 1, 2, 2, 1, 3, 4]


@pytest.mark.parametrize("size", ["0.01", "0.05", "0.00001", "10", "0.1"])
def test_prices_are_the_floats_nearest_to_their_decimals(size: str) -> None:
    counts = [random.Random(1).randrange(1, 10**9) for _ in range(300)]
    found = in_units(np.array(counts, float), size).tolist()
    assert found == [float(count * Decimal(size)) for count in counts]


def test_parquet_holds_the_lakes_rows_as_decimals_and_utc_times(home: Path, tmp_path: Path) -> None:
    said: list[float] = []
    with Lake.open(LakeSettings.under(home / "lake"), read_only=True) as lake:
        market = Market(lake, *HERE, lake.snapshot_id())
        columns = MarketColumns("0.01", "0.001", exact=True)
        window = Window(lines.stamp(0), lines.stamp(40))
        done = export_parquet(market, columns, window, tmp_path / "day", said.append)
        held = {name: lake.query(f"queries/{name}", venue=VENUE, symbol=SYMBOL, start_ns=0, end_ns=2**62)
                for name in ("depth_updates", "depth_snapshots", "trades", "book_tickers", "gaps")}  # fmt: skip
    files = {path.stem: pl.read_parquet(path) for path in done.rows}
    assert {name: len(rows) for name, rows in files.items()} == {name: len(rows) for name, rows in held.items()}
    assert all(len(rows) for rows in files.values())
    assert said == sorted(said)
    assert said[-1] == 1.0
    trades = held["trades"].sort("local_ts", "trade_id")
    assert files["trades"]["price"].to_list() == [Decimal(ticks) / 100 for ticks in trades["price_ticks"]]
    assert files["trades"].schema["exch_ts"] == pl.Datetime("ns")
    assert files["trades"]["exch_ts"].cast(pl.Int64).to_list() == trades["exch_ts"].to_list()
    assert files["trades"]["side"].to_list() == ["buy" if side == BUY else "sell" for side in trades["side"]]
    for name in ("depth_updates", "depth_snapshots"):
        for side in ("bid", "ask"):
            shown = files[name][f"{side}_prices"].to_list()
            assert shown == [[Decimal(ticks) / 100 for ticks in row] for row in held[name][f"{side}_ticks"].to_list()]
            sizes = files[name][f"{side}_quantities"].to_list()
            assert sizes == [[Decimal(lots) / 1000 for lots in row] for row in held[name][f"{side}_lots"].to_list()]
    assert files["depth_updates"]["prev_update_id"].null_count() == len(files["depth_updates"])
    assert files["book_tickers"].row(0)[2] == Decimal("99.99")
    assert files["gaps"]["stream"].to_list() == held["gaps"]["stream"].to_list()


def test_parquet_is_written_a_slice_at_a_time_and_is_of_one_snapshot(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Lake.open(LakeSettings.under(home / "lake"), read_only=True) as lake:
        market = Market(lake, *HERE, lake.snapshot_id())
        columns, window = MarketColumns("0.01", "0.001", exact=True), Window(lines.stamp(0), lines.stamp(19))
        whole = export_parquet(market, columns, window, tmp_path / "whole")
        monkeypatch.setattr(exports_parquet, "SLICE_NS", 3_700_000_000)
        parts = export_parquet(market, columns, window, tmp_path / "parts")
    for one, other in zip(whole.rows, parts.rows, strict=True):
        assert pl.read_parquet(one).equals(pl.read_parquet(other))
    trades = pq.ParquetFile(tmp_path / "parts" / "trades.parquet")
    assert trades.num_row_groups > 3
    assert trades.schema_arrow.metadata[b"symbol"] == SYMBOL.encode()
    assert trades.schema_arrow.metadata[b"tick_size"] == b"0.01"


def test_the_command_writes_a_window_and_says_what_it_wrote(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MICROVOL_HOME", str(home))
    window = ["--from", "2023-11-14T22:13:22", "--to", "2023-11-14T22:13:26"]
    assert run(["export", "--to", "hftbacktest", *PLACE, *window, "--out", str(tmp_path / "part.npz")]) == 0
    assert run(["export", "--format", "parquet", *PLACE, *window, "--out", str(tmp_path / "part")]) == 0
    said = capsys.readouterr().out
    trades = pl.read_parquet(tmp_path / "part" / "trades.parquet")
    rows = events(tmp_path / "part.npz")
    about = json.loads((tmp_path / "part.json").read_text())
    assert (for_clock(rows, LOCAL_EVENT)["ev"] & np.uint64(0xFF) == TRADE).sum() == len(trades) > 10
    first, last = trades["local_ts"].cast(pl.Int64).min(), trades["local_ts"].cast(pl.Int64).max()
    assert lines.stamp(2) <= first
    assert last < lines.stamp(6)
    assert about["rows"] == len(rows)
    assert (about["symbol"], about["tick_size"], about["lot_size"]) == (SYMBOL, "0.01", "0.001")
    assert str(len(rows)) in said
    assert "trades.parquet" in said
    assert json.loads((tmp_path / "part" / "metadata.json").read_text())["rows"]["trades.parquet"] == len(trades)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "x.npz"], "--format was not given, it must be hftbacktest or parquet"),
        (["--format", "csv", "--out", "x.csv"], "--format was csv, it must be hftbacktest or parquet"),
        (["--to", "parquet", "--format", "hftbacktest", "--out", "x"], "--format was parquet and hftbacktest"),
        (["--to", "hftbacktest", "--out", "x.csv"], "--out was x.csv: name a file ending in .npz"),
        (["--to", "parquet", "--out", __file__], "which is a file: name a folder"),
        (["--to", "parquet", "--to", "noon", "--out", "x"], "--to was 'noon': write a UTC date or time"),
        (["--to", "parquet", "--from", "2024-01-01", "--out", "x"], "BTC/USDT on binance has no data in the window"),
        (["--to", "hftbacktest", "--from", "2024-01-01", "--out", "x.npz"], "has no data in the window"),
    ],
)
def test_what_is_wrong_is_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    monkeypatch.setenv("MICROVOL_HOME", str(home))
    assert run(["export", *PLACE, *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_failed_export_leaves_nothing_behind(recorded: tuple[Tape, TapeInfo], tmp_path: Path) -> None:
    def stop(share: float) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(Failed, match=r"a.npz cannot be written: No space left on device"):
        export_hftbacktest(*recorded, tmp_path / "a.npz", stop)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "b.npz").mkdir()
    with pytest.raises(BadInput, match="which is a folder"):
        export_hftbacktest(*recorded, tmp_path / "b.npz")


@pytest.mark.slow
def test_an_exported_tape_comes_back_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = Recording(6).go_on(3).snapshot().go_on(40, fewest=1).lines
    tapes = []
    with Lake.open(LakeSettings.under(tmp_path / "here" / "lake")) as lake:
        import_files(lake, [lines.write(tmp_path / "raw.log", raw)], *HERE)
        tapes.append(load_tape(lake, *HERE))
    export_hftbacktest(*tapes[0], tmp_path / "events.npz")
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path / "there"))
    sizes = ["--tick-size", "0.01", "--lot-size", "0.001"]
    assert run(["import", str(tmp_path / "events.npz"), "--format", "hftbacktest", *PLACE, *sizes]) == 0
    with Lake.open(LakeSettings.under(tmp_path / "there" / "lake"), read_only=True) as lake:
        tapes.append(load_tape(lake, *HERE))
    for name, column in tapes[0][0]._asdict().items():
        assert np.array_equal(column, getattr(tapes[1][0], name)), name
