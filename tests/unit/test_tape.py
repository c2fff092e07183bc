from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.ingest.importer import import_files
from analytics.lake.store import Lake, LakeSettings
from analytics.tape.book import Levels, Steps, rebuild
from analytics.tape.tape import clock_offset, load_tape
from strategy.errors import Failed
from strategy.kernel.records import BUY, SELL
from strategy.replay.tape import Tape, TapeInfo
from strategy.venues.market import MarketReader
from strategy.venues.units import Units
from tests.unit import market_lines as lines

pytestmark = pytest.mark.slow

BTC = ("binance", "BTC/USDT")


@pytest.fixture
def lake(tmp_path):
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        yield lake


def tape_of(lake: Lake, folder: Path, raw: list[bytes], **window) -> tuple[Tape, TapeInfo]:
    import_files(lake, [lines.write(folder / f"{len(raw)}.log", raw)], *BTC)
    return load_tape(lake, *BTC, **window)


def books(tape: Tape) -> list[dict[tuple[int, int], int]]:
    """Return the whole book after each update, from the tape's level changes alone."""
    book: dict[tuple[int, int], int] = {}
    found = []
    for i in range(len(tape.fresh)):
        for row in range(tape.level_start[i], tape.level_start[i + 1]):
            book[int(tape.level_side[row]), int(tape.level_ticks[row])] = int(tape.level_lots[row])
        found.append({level: lots for level, lots in book.items() if lots})
    return found


def test_a_snapshot_becomes_the_first_fresh_update_and_latency_is_never_negative(lake, tmp_path):
    tape, info = tape_of(lake, tmp_path, lines.session(updates=5))
    assert tape.fresh.tolist() == [1, 0, 0, 0, 0, 0]
    assert books(tape)[0] == {(BUY, 10000): 1000, (BUY, 9999): 2000, (SELL, 10002): 1500}
    assert tape.bid_lots.tolist() == [1000, 1000, 2000, 3000, 4000, 5000]
    assert info.clock_offset_ns == lines.LATENCY_NS
    assert (tape.update_local >= tape.update_exch).all()
    assert (tape.trade_local == tape.trade_exch).all()
    assert tape.trade_side.tolist() == [SELL, BUY, SELL, BUY, SELL]
    assert (info.tick_size, info.lot_size, info.min_notional) == ("0.01", "0.001", "5")
    assert (info.start_ns, info.end_ns) == (int(tape.update_local[0]), int(tape.trade_local[-1]))


def test_after_a_hole_a_new_snapshot_is_a_fresh_update_of_differences(lake, tmp_path):
    raw = [
        *lines.session(updates=2),
        lines.diff(1.0, 200, 201, [("98.00", "7.000")]),
        lines.snapshot(1.1, 201, [("100.00", "9.000"), ("98.00", "7.000")], [("100.02", "1.500")]),
        lines.diff(1.2, 202, 203, [("98.00", "0.000")]),
    ]
    tape, _ = tape_of(lake, tmp_path, raw)
    assert tape.fresh.tolist() == [1, 0, 0, 1, 0]
    assert tape.gap_exch.tolist() == [lines.stamp(1.0)]
    changed = slice(tape.level_start[3], tape.level_start[4])
    assert sorted(zip(tape.level_ticks[changed].tolist(), tape.level_lots[changed].tolist(), strict=True)) == [
        (9800, 7000),
        (9999, 0),
        (10000, 9000),
    ]
    assert books(tape)[-1] == {(BUY, 10000): 9000, (SELL, 10002): 1500}


def test_a_window_begins_with_the_book_as_it_stood(lake, tmp_path):
    whole, _ = tape_of(lake, tmp_path, lines.session(updates=20))
    start = lines.stamp(1.0)
    part, info = load_tape(lake, *BTC, start_ns=start, end_ns=lines.stamp(1.5) + lines.LATENCY_NS)
    assert part.fresh.tolist() == [1, 0, 0, 0, 0, 0, 0]
    assert books(part)[1:] == books(whole)[10:16]
    assert part.trade_exch.tolist() == [lines.stamp(1 + 0.1 * i + 0.05) for i in range(5)]
    assert info.start_ns <= start


def test_an_empty_window_and_an_unknown_symbol_are_one_clear_error(lake, tmp_path):
    tape_of(lake, tmp_path, lines.session(updates=2))
    with pytest.raises(Failed, match="no book in the window"):
        load_tape(lake, *BTC, end_ns=5)
    with pytest.raises(Failed, match="holds nothing of binance ETH/USDT"):
        load_tape(lake, "binance", "ETH/USDT")


def test_a_cached_tape_is_the_same_until_the_lake_grows(lake, tmp_path):
    plain, plain_info = tape_of(lake, tmp_path, lines.session(updates=4))
    cache = tmp_path / "tapes"
    first, first_info = load_tape(lake, *BTC, cache=cache)
    again, again_info = load_tape(lake, *BTC, cache=cache)
    assert first_info == again_info == plain_info
    for name, column in again._asdict().items():
        assert np.array_equal(column, getattr(plain, name))
        assert np.array_equal(column, getattr(first, name))
    assert len(list(cache.iterdir())) == 1
    import_files(lake, [lines.write(tmp_path / "more.log", lines.session(updates=6)[-2:])], *BTC)
    grown, grown_info = load_tape(lake, *BTC, cache=cache)
    assert len(grown.trade_exch) == 5
    assert grown_info.fingerprint != first_info.fingerprint


def test_the_tape_and_the_live_reader_see_the_same_books(lake, tmp_path):
    raw = [
        *lines.session(updates=6),
        lines.diff(2.0, 300, 301),
        lines.snapshot(2.1, 301, [("99.00", "1.000")], [("99.50", "2.000")]),
        lines.diff(2.2, 302, 302, [], [("99.40", "3.000")]),
    ]
    tape, _ = tape_of(lake, tmp_path, raw)
    reader = MarketReader("BTC/USDT", Units("0.01", "0.001"))
    seen = [event for each in raw for event in reader.read(int(each[:19]), each[20:]) if event["kind"] == 1]
    for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots"):
        assert [int(event[name]) for event in seen] == getattr(tape, name).tolist()
    assert [int(event["flag"]) for event in seen] == tape.fresh.tolist()


def test_the_clock_offset_ignores_a_forged_thousandth():
    exch = np.arange(10_000, dtype=np.int64) * 1000
    local = exch - 1_270_000_000 + np.arange(10_000) % 50
    local[17] -= 10**12
    assert clock_offset(local, exch) == -1_270_000_000
    assert clock_offset(local[:0], exch[:0]) == 0


sides = st.lists(st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 30), st.integers(0, 3)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), sides), min_size=1, max_size=12))
def test_the_rebuilt_book_is_that_of_plain_dictionaries(messages):
    levels = [level for _, _, rows in messages for level in rows]
    columns = np.array(levels, np.int64).reshape(-1, 3)
    start = np.cumsum([0] + [len(rows) for _, _, rows in messages])
    table = Levels(start, columns[:, 0].astype(np.int8), columns[:, 1].copy(), columns[:, 2].copy())
    count = len(messages)
    fresh = np.array([fresh for fresh, _, _ in messages], np.int8)
    kinds = np.array([fresh and kind for fresh, kind, _ in messages], np.int8)
    best, changed = rebuild(Steps(np.arange(count + 1), fresh, kinds, np.arange(count)), table, table)
    oracle: dict[tuple[int, int], int] = {}
    replayed: dict[tuple[int, int], int] = {}
    for i, (is_fresh, is_snapshot, rows) in enumerate(messages):
        if is_fresh and is_snapshot:
            oracle = {}
        oracle |= {(side, ticks): lots for side, ticks, lots in rows}
        oracle = {level: lots for level, lots in oracle.items() if lots}
        for row in range(changed.start[i], changed.start[i + 1]):
            replayed[int(changed.side[row]), int(changed.ticks[row])] = int(changed.lots[row])
        assert {level: lots for level, lots in replayed.items() if lots} == oracle
        bid = max((ticks for side, ticks in oracle if side == BUY), default=0)
        ask = min((ticks for side, ticks in oracle if side == SELL), default=0)
        assert best[i].tolist() == [bid, oracle.get((BUY, bid), 0), ask, oracle.get((SELL, ask), 0)]
