from datetime import UTC, datetime
from pathlib import Path

import pytest

from analytics.ingest.importer import NOT_JSON, UNUSABLE
from analytics.ingest.market_rows import Counts
from analytics.ingest.readers.lobster import LobsterReader
from strategy.errors import BadInput
from strategy.kernel.records import BUY, SELL
from tests.unit.readers.reader_rig import Rig, books, rig, trades, write

pytestmark = pytest.mark.slow

STEM = "AAPL_2012-06-21_34200000_57600000_{}_2.csv"
OPEN = int(datetime(2012, 6, 21, 13, 30, tzinfo=UTC).timestamp()) * 1_000_000_000  # 9:30 in New York, summer
NO_ASK, NO_BID = "9999999999,0", "-9999999999,0"
MESSAGES = [
    "34200.000000001,1,16113575,18,5853300,1",
    "34200.1,1,16113584,18,5859400,-1",
    "34200.2,4,16113584,8,5859400,-1",
    "34200.3,5,0,100,5856350,-1",
    "34200.4,3,16113575,18,5853300,1",
    "34200.5,7,0,0,-1,-1",
    "34200.6,6,-1,500,5857000,-1",
    *(f"{34201 + i}.123456789,1,{i},5,5853300,1" for i in range(20)),
]
BOOKS = [
    f"{NO_ASK},5853300,18,{NO_ASK},5853200,20",
    f"5859400,18,5853300,18,{NO_ASK},5853200,20",
    f"5859400,10,5853300,18,{NO_ASK},5853200,20",
    f"5859400,10,5853300,18,{NO_ASK},5853200,20",
    f"5859400,10,5853200,20,{NO_ASK},{NO_BID}",
    f"5859400,10,5853200,20,{NO_ASK},{NO_BID}",
    f"5859400,10,5853200,20,{NO_ASK},{NO_BID}",
    *(f"5859400,10,5853300,{5 * i + 5},{NO_ASK},5853200,20" for i in range(20)),
]


@pytest.fixture
def market(lake):
    return rig(lake, "AAPL/USD")


def pair(folder: Path, messages=MESSAGES, levels=BOOKS, stem: str = STEM) -> tuple[Path, Path]:
    folder.mkdir(exist_ok=True)
    return write(folder / stem.format("message"), messages), write(folder / stem.format("orderbook"), levels)


def read(market: Rig, *paths: Path, **options: str):
    return market.take(LobsterReader("AAPL", **options), *paths)


def test_a_pair_becomes_the_tape_that_was_written(market, tmp_path):
    message, book = pair(tmp_path)
    done = read(market, book, message)
    assert done.exit_code == 0
    assert done.added == Counts(depth_updates=24, trades=1, snapshots=1)
    for said in ("1 executions of hidden orders", "1 trading halt marks", "1 cross trades"):
        assert said in market.said[0]
    tape, info = market.tape()
    assert (info.tick_size, info.lot_size, info.clock_offset_ns) == ("0.01", "1", 0)
    found = books(tape)
    assert found[0] == {(BUY, 58533): 18, (BUY, 58532): 20}
    assert found[2] == {(BUY, 58533): 18, (BUY, 58532): 20, (SELL, 58594): 10}
    assert found[3] == {(BUY, 58532): 20, (SELL, 58594): 10}
    assert found[-1] == {(BUY, 58533): 100, (BUY, 58532): 20, (SELL, 58594): 10}
    times = [1, 100_000_000, 200_000_000, 400_000_000, *(10**9 * (i + 1) + 123_456_789 for i in range(20))]
    assert tape.update_exch.tolist() == [OPEN + each for each in times]
    assert trades(tape) == [(OPEN + 200_000_000, BUY, 58594, 8)]
    assert market.gaps() == []
    assert read(market, message, book).added == Counts()


def test_day_and_midnight_can_be_given_for_files_of_any_name(market, tmp_path):
    paths = pair(tmp_path, stem="my_{}.csv")
    assert read(market, *paths).exit_code == UNUSABLE
    assert "its name tells no day; give --date" in market.said[0]
    assert read(market, *paths, day="2012-06-21", zone="UTC").exit_code == 0
    assert market.tape()[0].update_exch[0] == OPEN - 4 * 3600 * 10**9 + 1


def test_the_same_pair_under_another_day_is_another_recording(market, tmp_path):
    paths = pair(tmp_path)
    read(market, *paths)
    assert read(market, *paths, day="2012-06-22").added.depth_updates == 24


def test_what_is_no_pair_is_refused(market, tmp_path):
    message, _ = pair(tmp_path)
    other = pair(tmp_path / "other", stem=STEM.replace("AAPL", "MSFT"))
    swapped = pair(tmp_path / "swapped", BOOKS, MESSAGES)
    done = read(market, message, *other, *swapped)
    assert (done.exit_code, done.added) == (UNUSABLE, Counts())
    said = "\n".join(market.said)
    assert f"{message}: nothing usable, the other file of its pair is not given" in said
    assert f"{other[0]}: nothing usable, it is of MSFT, not of AAPL" in said
    assert f"{swapped[0]}: nothing usable, its rows do not have 6 columns" in said
    with pytest.raises(BadInput, match="--timezone was 'Mars'"):
        LobsterReader("AAPL", zone="Mars")


@pytest.mark.parametrize(
    ("message", "book", "said"),
    [
        ("34300.5,9,1,1,5853300,1", BOOKS[0], "message_2.csv, line 8: type was 9"),
        ("34300.5,4,1,1,5853300,3", BOOKS[0], "message_2.csv, line 8: direction was 3"),
        ("noon,1,1,1,5853300,1", BOOKS[0], "message_2.csv, line 8: time was 'noon'"),
        ("1.5,1,1,1,5853300,1", BOOKS[-1], "message_2.csv, line 8: receive time"),
        ("34300.5,1,1,1,5853300,1", BOOKS[0].replace("18", "1x"), "orderbook_2.csv, line 8: size was '1x'"),
        ("34300.5,1,1,1,5853300,1", BOOKS[0].replace("5853300", "-1"), "orderbook_2.csv, line 8: price was -1"),
    ],
)
def test_a_wrong_row_is_named(market, tmp_path, message, book, said):
    done = read(market, *pair(tmp_path, [*MESSAGES[:7], message], [*BOOKS[:7], book]))
    assert (done.exit_code, done.added.depth_updates) == (NOT_JSON, 4)
    assert said in market.said[-1]


def test_files_of_unequal_length_are_named(market, tmp_path):
    message, book = pair(tmp_path, MESSAGES[:3], BOOKS[:5])
    assert read(market, message, book).exit_code == NOT_JSON
    assert market.said[-1] == f"{book}, line 4: has no counterpart in {message}"
