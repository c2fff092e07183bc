import gzip
from pathlib import Path

import pytest

from analytics.ingest.importer import NOT_JSON, TRUNCATED, UNUSABLE
from analytics.ingest.market_rows import Counts
from analytics.ingest.readers.tardis import TardisReader
from strategy.kernel.records import BUY, SELL
from tests.unit.readers.reader_rig import Rig, books, trades, write

pytestmark = pytest.mark.slow

START_US = 1_700_000_000_000_000
L2 = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"
TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"


def l2(ms: int, snapshot: str, side: str, price: str, amount: str, symbol: str = "BTCUSDT", exchange="binance") -> str:
    return f"{exchange},{symbol},{START_US + ms * 1000},{START_US + ms * 1000 + 500},{snapshot},{side},{price},{amount}"


def trade(ms: int, ident: str, side: str, price: str, amount: str, exchange: str = "binance") -> str:
    return f"{exchange},BTCUSDT,{START_US + ms * 1000},{START_US + ms * 1000 + 500},{ident},{side},{price},{amount}"


BOOK = [
    L2,
    l2(0, "false", "bid", "98.0", "1"),
    l2(10, "true", "bid", "99.9", "1.5"),
    l2(10, "true", "bid", "99.8", "2"),
    l2(10, "true", "ask", "100.1", "0.5"),
    l2(10, "true", "ask", "100.2", "0"),
    *(l2(100 * i, "false", "bid", "99.9", f"{i}.5") for i in range(1, 20)),
    l2(2000, "false", "ask", "100.1", "0"),
    l2(2000, "false", "ask", "100.3", "1e-1"),
]
PRINTS = [TRADES, trade(150, "7", "buy", "100.1", "0.2"), trade(250, "8", "sell", "99.9", "0.3")]
US = START_US


def read(market: Rig, *paths: Path, source_symbol: str | None = None):
    return market.take(TardisReader("BTCUSDT", source_symbol), *paths)


def test_l2_and_trades_become_the_tape_that_was_written(market, tmp_path):
    book = write(tmp_path / "binance_incremental_book_L2_2023-11-14_BTCUSDT.csv", BOOK)
    prints = tmp_path / "trades.csv.gz"
    prints.write_bytes(gzip.compress("\n".join(PRINTS).encode()))
    done = read(market, prints, book)
    assert done.exit_code == 0
    assert done.added == Counts(depth_updates=21, trades=2, snapshots=1)
    assert "1 rows before the first snapshot left out" in market.said[0]
    assert market.shares[-1] == 1.0
    assert market.shares == sorted(market.shares)
    tape, info = market.tape()
    assert (info.tick_size, info.lot_size, info.clock_offset_ns) == ("0.1", "0.1", 500_000)
    assert books(tape)[0] == {(BUY, 999): 15, (BUY, 998): 20, (SELL, 1001): 5}
    assert books(tape)[-1] == {(BUY, 999): 195, (BUY, 998): 20, (SELL, 1003): 1}
    assert tape.fresh.tolist() == [1] + [0] * 20
    assert tape.bid_lots.tolist() == [15] + [10 * i + 5 for i in range(1, 20)] + [195]
    assert tape.update_exch.tolist() == [(US + 1000 * ms) * 1000 for ms in (10, *range(100, 2000, 100), 2000)]
    assert trades(tape) == [((US + 150_000) * 1000, BUY, 1001, 2), ((US + 250_000) * 1000, SELL, 999, 3)]
    assert market.gaps() == []


def test_a_second_import_adds_nothing_neither_do_the_same_rows_in_another_file(market, tmp_path):
    path = write(tmp_path / "a.csv", BOOK)
    read(market, path)
    assert read(market, path).added == Counts()
    assert market.said == [f"{path}: already in the lake"]
    part = read(market, write(tmp_path / "b.csv", BOOK[:12]))
    assert part.read.depth_updates > 0
    assert part.added == Counts()


def test_a_later_run_of_snapshot_rows_is_a_gap_and_a_fresh_book(market, tmp_path):
    again = [
        l2(3000, "true", "bid", "98.5", "1"),
        l2(3000, "true", "ask", "98.7", "2"),
        l2(3100, "false", "ask", "98.7", "3"),
    ]
    read(market, write(tmp_path / "a.csv", [*BOOK, *again]))
    tape, _ = market.tape()
    assert tape.fresh.tolist()[-2:] == [1, 0]
    assert int(tape.update_exch[-2]) == (US + 3_000_000) * 1000
    assert books(tape)[-1] == {(BUY, 985): 10, (SELL, 987): 30}
    assert market.gaps() == [("depth", "a snapshot of the file")]


@pytest.mark.parametrize("depth", [5, 25])
def test_whole_books_become_their_differences(market, tmp_path, depth):
    names = [f"{side}[{i}].{what}" for i in range(depth) for side in ("asks", "bids") for what in ("price", "amount")]
    rows = [",".join(["exchange,symbol,timestamp,local_timestamp", *names])]
    for ms, best in ((0, 100), (100, 101), (200, 101), (300, 99)):
        levels = []
        for i in range(depth):
            there = i < 4
            levels += [str(best + 1 + i), "2"] if there else ["", ""]
            levels += [str(best - i), str(i + 1)] if there else ["", ""]
        rows.append(",".join(["deribit", "BTC-USDT", str(US + 1000 * ms), str(US + 1000 * ms + 1), *levels]))
    done = read(market, write(tmp_path / "books.csv", rows))
    assert done.added == Counts(depth_updates=3, snapshots=1)
    tape, _ = market.tape()
    assert tape.bid_ticks.tolist() == [100, 101, 99]
    assert books(tape)[-1] == {(SELL, 100 + i): 2 for i in range(4)} | {(BUY, 99 - i): i + 1 for i in range(4)}


def test_ids_of_venues_that_do_not_count_make_no_holes_and_sideless_trades_are_left_out(market, tmp_path):
    rows = [
        TRADES,
        *(trade(i, f"x-{i}", "buy", "1.5", "1", "bitmex") for i in (1, 1, 3)),
        trade(5, "", "unknown", "1", "1"),
    ]
    done = read(market, write(tmp_path / "a.csv", rows))
    assert (done.added.trades, market.gaps()) == (3, [])
    assert "1 trades without a side left out" in market.said[0]


def test_ids_of_binance_count_so_a_jump_is_a_hole(market, tmp_path):
    read(
        market, write(tmp_path / "a.csv", [TRADES, trade(1, "5", "buy", "1.5", "1"), trade(2, "9", "buy", "1.5", "1")])
    )
    assert market.gaps() == [("trade", "sequence")]


def test_rows_of_another_symbol_are_refused_unless_ours_is_named(market, tmp_path):
    mixed = write(tmp_path / "a.csv", [*BOOK[:7], l2(150, "false", "bid", "5", "1", "ETHUSDT"), *BOOK[7:]])
    assert read(market, mixed).exit_code == NOT_JSON
    assert market.said[-1] == f"{mixed}, line 8: is of ETHUSDT, not of BTCUSDT"
    done = read(market, mixed, source_symbol="btc-usdt")
    assert (done.exit_code, done.faults) == (0, ())
    assert "1 rows of other symbols left out" in market.said[0]
    tape, _ = market.tape()
    assert books(tape)[-1] == {(BUY, 999): 195, (BUY, 998): 20, (SELL, 1003): 1}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (l2(500, "maybe", "bid", "1", "1"), "is_snapshot was 'maybe'"),
        (l2(500, "false", "up", "1", "1"), "side was 'up', it must be one of 'bid', 'ask'"),
        (l2(500, "false", "bid", "-1", "1"), "'-1' is not a decimal"),
        (l2(500, "false", "bid", "1.05", "1"), "1.05 is not a multiple of tick_size 0.1"),
        (l2(500, "false", "bid", "1", "1x"), "'1x' is not a decimal"),
        (l2(5, "false", "bid", "1", "1"), "comes after"),
        ("binance,BTCUSDT,noon,1,false,bid,1,1", "timestamp was 'noon', it must be a whole number"),
        ("binance,BTCUSDT,1", "has 3 columns, the first line has 8"),
    ],
)
def test_a_wrong_row_is_named_and_the_rows_before_it_stay(market, tmp_path, bad, said):
    path = write(tmp_path / "a.csv", [*BOOK[:9], bad, *BOOK[9:]])
    done = market.take(TardisReader("BTCUSDT"), path, sizes=("0.1", "0.1"))
    assert done.exit_code == NOT_JSON
    assert done.added.depth_updates in (3, 4)  # a message that may not be whole is left out
    assert market.said[-1].startswith(f"{path}, line 10: ")
    assert said in market.said[-1]
    mended = read(market, write(path, BOOK))
    assert (mended.exit_code, mended.added.depth_updates + done.added.depth_updates) == (0, 21)
    assert market.gaps() == []


def test_files_of_another_kind_are_refused_and_the_others_taken(market, tmp_path):
    good = write(tmp_path / "good.csv", BOOK)
    quotes = write(tmp_path / "quotes.csv", ["exchange,symbol,timestamp,local_timestamp,ask_amount", "a,BTCUSDT,1,1,1"])
    other = write(tmp_path / "other.csv", ["a,b", "1,2"])
    empty = write(tmp_path / "empty.csv", [TRADES])
    done = read(market, quotes, other, empty, good)
    assert (done.exit_code, done.added.snapshots) == (UNUSABLE, 1)
    assert [line.split(": ")[0] for line in market.said[:3]] == [str(quotes), str(other), str(empty)]
    assert "its columns are not of incremental_book_L2, book_snapshot_N or trades" in market.said[0]
    assert read(market, write(tmp_path / "c.csv", BOOK[:2])).exit_code == UNUSABLE
    assert market.said == [f"{tmp_path / 'c.csv'}: nothing usable; 1 rows before the first snapshot left out"]


def test_a_truncated_file_keeps_its_whole_rows(market, tmp_path):
    rows = [*BOOK, *(l2(3000 + i, "false", "bid", f"99.{i % 9}", f"{i % 7}.{i * 7919 % 10}") for i in range(6_000))]
    path = tmp_path / "a.csv.gz"
    whole = gzip.compress("\n".join(rows).encode())
    path.write_bytes(whole[: len(whole) // 2])
    done = read(market, path)
    assert done.exit_code == TRUNCATED
    assert 100 < done.added.depth_updates < 6_000
    assert f"{path}: truncated compression after line " in market.said[-1]
    path.write_bytes(whole)
    mended = read(market, path)
    assert mended.exit_code == 0
    assert mended.added.depth_updates + done.added.depth_updates == 6_021
    assert market.gaps() == []
