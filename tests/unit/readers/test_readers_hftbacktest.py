from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.export.hftbacktest import export_hftbacktest
from analytics.ingest.importer import NOT_JSON, TRUNCATED, UNUSABLE
from analytics.ingest.market_rows import Counts
from analytics.ingest.readers.hftbacktest import (
    BBO,
    BUY_FLAG,
    CLEAR,
    DEPTH,
    EXCH,
    LOCAL,
    SELL_FLAG,
    SNAPSHOT,
    TRADE,
    HftbacktestReader,
)
from strategy.kernel.records import BUY, SELL
from tests.unit.readers.reader_rig import Rig, books, rig, trades

pytestmark = pytest.mark.slow

START = 1_700_000_000_000_000_000
MS = 1_000_000
LATENCY = 3 * MS
BOTH = EXCH | LOCAL
NAMES = [("ev", "u8"), ("exch_ts", "i8"), ("local_ts", "i8"), ("px", "f8"), ("qty", "f8")]
EVENT = np.dtype([*NAMES, ("order_id", "u8"), ("ival", "i8"), ("fval", "f8")], align=True)


def event(ms: int, flags: int, px: float = 0.0, qty: float = 0.0) -> tuple[Any, ...]:
    return (flags, START + ms * MS, START + ms * MS + LATENCY, px, qty, 0, 0, 0.0)


OPENING = [
    event(0, BOTH | CLEAR | BUY_FLAG, 99.8),
    event(0, BOTH | SNAPSHOT | BUY_FLAG, 99.9, 1.5),
    event(0, BOTH | SNAPSHOT | BUY_FLAG, 99.8, 2.0),
    event(0, BOTH | CLEAR | SELL_FLAG, 100.2),
    event(0, BOTH | SNAPSHOT | SELL_FLAG, 100.1, 0.5),
    event(0, BOTH | SNAPSHOT | SELL_FLAG, 100.2, 0.1 + 0.2),
]
OPENING_LATER = [(flags, exch + 900 * MS, local + 900 * MS, *rest) for flags, exch, local, *rest in OPENING]
DAY = [
    *OPENING,
    event(100, BOTH | DEPTH | BUY_FLAG, 99.9, 1.0),
    event(100, BOTH | DEPTH | SELL_FLAG, 100.1, 0.0),
    event(150, EXCH | TRADE | SELL_FLAG, 99.9, 0.3),
    event(150, LOCAL | TRADE | SELL_FLAG, 99.9, 0.3),
    event(170, BOTH | BBO | BUY_FLAG, 99.9, 1.0),
    event(200, LOCAL | DEPTH | BUY_FLAG, 99.7, 4.0),
    event(200, EXCH | DEPTH | BUY_FLAG, 99.7, 4.0),
    *(event(300 + i, BOTH | DEPTH | BUY_FLAG, 99.9, i + 1.0) for i in range(20)),
]


def save(path: Path, rows: list[tuple[Any, ...]], compressed: bool = True) -> Path:
    (np.savez_compressed if compressed else np.savez)(path, data=np.array(rows, EVENT))
    return path


def read(market: Rig, *paths: Path):
    return market.take(HftbacktestReader(), *paths)


@pytest.mark.parametrize("kind", ["compressed", "plain", "npy"])
def test_events_become_the_tape_that_was_written(market, tmp_path, kind):
    path = tmp_path / ("a.npy" if kind == "npy" else "a.npz")
    if kind == "npy":
        np.save(path, np.array(DAY, EVENT))
    else:
        save(path, DAY, kind == "compressed")
    done = read(market, path)
    assert done.exit_code == 0
    assert done.added == Counts(depth_updates=23, trades=1, snapshots=1)
    assert "1 best bid and ask events left out" in market.said[0]
    assert "begins empty" not in market.said[0]
    tape, info = market.tape()
    assert (info.tick_size, info.lot_size, info.clock_offset_ns) == ("0.1", "0.1", LATENCY)
    found = books(tape)
    assert found[0] == {(BUY, 999): 15, (BUY, 998): 20, (SELL, 1001): 5, (SELL, 1002): 3}
    assert found[1] == {(BUY, 999): 10, (BUY, 998): 20, (SELL, 1002): 3}
    assert found[-1] == {(BUY, 999): 200, (BUY, 998): 20, (BUY, 997): 40, (SELL, 1002): 3}
    assert tape.update_exch.tolist() == [START + ms * MS for ms in (0, 100, 200, *range(300, 320))]
    assert tape.fresh.tolist() == [1] + [0] * 22
    assert trades(tape) == [(START + 150 * MS, SELL, 999, 3)]
    assert market.gaps() == []
    assert read(market, path).added == Counts()


def test_a_clear_empties_from_the_best_to_its_price_and_makes_a_fresh_book(market, tmp_path):
    later = [
        event(900, BOTH | CLEAR | BUY_FLAG, 99.8),
        event(900, BOTH | SNAPSHOT | BUY_FLAG, 99.85, 1.0),
        event(1000, BOTH | CLEAR | SELL_FLAG, float("nan")),
        event(1000, BOTH | SNAPSHOT | SELL_FLAG, 100.5, 7.0),
        event(1100, BOTH | CLEAR),
    ]
    read(market, save(tmp_path / "a.npz", [*DAY, *later]))
    tape, _ = market.tape()
    found = books(tape)
    assert found[-3] == {(BUY, 9985): 10, (BUY, 9970): 40, (SELL, 10020): 3}
    assert found[-2] == {(BUY, 9985): 10, (BUY, 9970): 40, (SELL, 10050): 70}
    assert found[-1] == {}
    assert tape.fresh.tolist()[-4:] == [0, 1, 1, 1]
    assert market.gaps() == [("depth", "cleared in the file")] * 3


def test_a_file_without_a_snapshot_begins_empty_and_the_next_one_continues_it(market, tmp_path):
    first = save(tmp_path / "1.npz", DAY[6:])
    second = save(tmp_path / "2.npz", [event(1000, BOTH | DEPTH | SELL_FLAG, 100.3, 1.0)])
    assert read(market, second, first).exit_code == 0
    assert "the book begins empty" in market.said[0]
    assert "the book begins empty" not in market.said[1]
    tape, _ = market.tape()
    assert tape.fresh.tolist() == [1] + [0] * 22
    assert books(tape)[-1] == {(BUY, 999): 200, (BUY, 997): 40, (SELL, 1003): 10}
    assert market.gaps() == []


def test_a_file_an_hour_later_does_not_continue(market, tmp_path):
    hour = 3_600_000
    later = [event(hour, BOTH | DEPTH | BUY_FLAG, 50.0, 1.0), event(hour + 1, BOTH | DEPTH | SELL_FLAG, 51.0, 1.0)]
    read(market, save(tmp_path / "1.npz", DAY), save(tmp_path / "2.npz", later))
    tape, _ = market.tape()
    assert books(tape)[-1] == {(BUY, 500): 10, (SELL, 510): 10}
    assert market.gaps() == [("depth", "begins without a snapshot")]


def test_blocks_of_rows_join_without_a_seam(market, tmp_path, monkeypatch):
    monkeypatch.setattr("analytics.ingest.readers.hftbacktest._CHUNK_ROWS", 4)
    assert read(market, save(tmp_path / "a.npz", DAY)).added == Counts(depth_updates=23, trades=1, snapshots=1)
    assert books(market.tape()[0])[0] == {(BUY, 999): 15, (BUY, 998): 20, (SELL, 1001): 5, (SELL, 1002): 3}


def test_what_we_export_comes_back_column_for_column(lake, market, tmp_path):
    read(market, save(tmp_path / "a.npz", [*DAY, *OPENING_LATER, event(960, BOTH | DEPTH | BUY_FLAG, 99.6, 2.0)]))
    tape, info = market.tape()
    export_hftbacktest(tape, info, tmp_path / "out.npz")
    back = rig(lake)
    assert back.take(HftbacktestReader(), tmp_path / "out.npz").exit_code == 0
    again, _ = back.tape()
    assert tape.fresh.tolist().count(1) == 2
    for name, column in tape._asdict().items():
        assert column.tolist() == getattr(again, name).tolist(), name


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (event(500, BOTH | 10 | BUY_FLAG, 1.0, 1.0), "event kind 10 is no depth by price"),
        (event(500, BOTH | DEPTH, 1.0, 1.0), "neither or both of the flags"),
        (event(500, BOTH | DEPTH | BUY_FLAG, float("nan"), 1.0), "nan is not a number"),
        (event(500, BOTH | DEPTH | BUY_FLAG, 99.95, 1.0), "99.95 is not a multiple of tick_size 0.1"),
        (event(1, BOTH | DEPTH | BUY_FLAG, 99.9, 1.0), "must be in order"),
        ((BOTH | SNAPSHOT | BUY_FLAG, 0, 0, 1.0, 1.0, 0, 0, 0.0), "times were 0 and 0"),
    ],
)
def test_a_wrong_row_is_named(market, tmp_path, bad, said):
    path = save(tmp_path / "a.npz", [*DAY, bad])
    done = market.take(HftbacktestReader(), path, sizes=("0.1", "0.1"))
    assert done.exit_code == NOT_JSON
    assert market.said[-1].startswith(f"{path}, row {len(DAY) + 1}: ")
    assert said in market.said[-1]
    assert done.added.trades == 1


def test_files_of_another_kind_are_refused(market, tmp_path):
    old = tmp_path / "old.npz"
    np.savez(old, data=np.zeros((3, 6)))
    other = tmp_path / "other.npz"
    np.savez(other, depth=np.array(DAY, EVENT))
    text = tmp_path / "text.npz"
    text.write_text("hello")
    empty = save(tmp_path / "empty.npz", [])
    done = read(market, old, other, text, empty)
    assert (done.exit_code, done.added) == (UNUSABLE, Counts())
    said = "\n".join(market.said)
    assert f"{old}: nothing usable, its rows are no events: ev, exch_ts, local_ts, px, qty" in said
    assert f"{other}: nothing usable, it holds no array `data`" in said
    assert f"{text}: nothing usable, it is neither .npz nor .npy" in said
    assert f"{empty}: nothing usable, it has no rows" in said


def test_a_truncated_array_keeps_what_is_whole(market, tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array(DAY, EVENT))
    path.write_bytes(path.read_bytes()[: -5 * EVENT.itemsize - 3])
    done = read(market, path)
    assert done.exit_code == TRUNCATED
    assert f"truncated after row {len(DAY) - 6} of {len(DAY)}" in market.said[-1]
    assert done.added.depth_updates in (16, 17)
