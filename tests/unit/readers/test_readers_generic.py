from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from analytics.ingest.importer import NOT_JSON, UNUSABLE
from analytics.ingest.market_rows import Counts
from analytics.ingest.readers.generic import GenericReader
from analytics.ingest.readers.mapping import read_mapping
from strategy.errors import BadInput
from strategy.kernel.records import BUY, SELL
from tests.unit.readers.reader_rig import books, trades, write

pytestmark = pytest.mark.slow

START_MS = 1_700_000_000_000
MAPPING = """
[snapshots]
exch_ts = "time"
local_ts = "received"
unit = "ms"
levels = 2
first_level = 1
bid_price = "bid_px_{level}"
bid_qty = "bid_sz_{level}"
ask_price = "ask_px_{level}"
ask_qty = "ask_sz_{level}"

[trades]
exch_ts = "ts"
unit = "s"
price = "px"
qty = "sz"
side = "maker_is_buyer"
buy = ["false"]
sell = ["true"]
number = "id"
"""
BOOK = "time,received,bid_px_1,bid_sz_1,bid_px_2,bid_sz_2,ask_px_1,ask_sz_1,ask_px_2,ask_sz_2,note"
TRADES = "ts,px,sz,maker_is_buyer,id"


def mapped(folder: Path, text: str = MAPPING) -> GenericReader:
    return GenericReader(read_mapping(write(folder / "columns.toml", [text])))


def ladder(ms: int, bid: int, qty: str) -> str:
    return f"{START_MS + ms},{START_MS + ms + 4},{bid},{qty},{bid - 1},3.0,{bid + 1},2.5,,,x"


LADDERS = [BOOK, *(ladder(100 * i, 100 + i % 2, f"{1 + i % 3}.5") for i in range(20)), ladder(1950, 101, "2.5")]
PRINTS = [TRADES, "1700000000.25,101,0.5,true,1", "1700000000.350001,102,1.0,false,2"]


def check(tape) -> None:
    found = books(tape)
    assert len(found) == 20  # the last row repeats the book before
    assert found[0] == {(BUY, 100): 15, (BUY, 99): 30, (SELL, 101): 25}
    assert found[1] == {(BUY, 101): 25, (BUY, 100): 30, (SELL, 102): 25}
    assert tape.update_exch.tolist() == [(START_MS + 100 * i) * 1_000_000 for i in range(20)]
    first = START_MS * 1_000_000
    assert trades(tape) == [(first + 250_000_000, SELL, 101, 5), (first + 350_001_000, BUY, 102, 10)]


def test_mapped_csv_becomes_the_tape_that_was_written(market, tmp_path):
    paths = write(tmp_path / "books.csv", LADDERS), write(tmp_path / "prints.csv", PRINTS)
    done = market.take(mapped(tmp_path), *paths)
    assert done.exit_code == 0
    assert done.added == Counts(depth_updates=20, trades=2, snapshots=1)
    tape, info = market.tape()
    check(tape)
    assert (info.tick_size, info.lot_size) == ("1", "0.1")
    assert market.gaps() == []
    assert market.take(mapped(tmp_path), *paths).added == Counts()


def test_mapped_parquet_of_floats_decimals_and_timestamps_is_the_same_tape(market, tmp_path):
    cells = [line.split(",") for line in LADDERS[1:]]
    columns = dict(zip(BOOK.split(","), zip(*cells, strict=True), strict=True))
    frame = pl.DataFrame(
        {
            "time": [datetime.fromtimestamp(int(each) / 1000, UTC) for each in columns["time"]],
            "received": [int(each) for each in columns["received"]],
            **{name: [float(each) if each else None for each in columns[name]] for name in list(columns)[2:8]},
            **{name: [Decimal(each) if each else None for each in columns[name]] for name in list(columns)[8:10]},
        },
        schema_overrides={
            "time": pl.Datetime("us", "UTC"),
            "ask_px_2": pl.Decimal(18, 8),
            "ask_sz_2": pl.Decimal(18, 8),
        },
    )
    frame.write_parquet(tmp_path / "books.parquet")
    prints = {"ts": [1700000000.25, 1700000000.350001], "px": [101, 102], "sz": [0.1 + 0.4, 1.0]}
    sides = {"maker_is_buyer": [True, False], "id": [1, 2]}
    pl.DataFrame(prints | sides).write_parquet(tmp_path / "prints.parquet")
    done = market.take(mapped(tmp_path), tmp_path / "prints.parquet", tmp_path / "books.parquet")
    assert (done.exit_code, done.faults) == (0, ())
    check(market.tape()[0])


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (ladder(150, 100, "abc"), "'abc' is not a decimal"),
        (ladder(150, 100, "-2"), "'-2' is not a decimal"),
        (ladder(50, 100, "1"), "the rows must be in order"),
        (f"noon{ladder(150, 100, '1')[13:]}", "time was 'noon', it must be a time since the epoch"),
        (f"0{ladder(150, 100, '1')[13:]}", "time was '0', it must be a time after 1970"),
    ],
)
def test_a_wrong_row_is_named(market, tmp_path, bad, said):
    path = write(tmp_path / "books.csv", [*LADDERS[:3], bad, *LADDERS[3:]])
    done = market.take(mapped(tmp_path), path, sizes=("1", "0.1"))
    assert (done.exit_code, done.added.depth_updates) == (NOT_JSON, 2)
    assert market.said[-1].startswith(f"{path}, line 4: ")
    assert said in market.said[-1]


def test_a_wrong_row_of_a_parquet_is_named(market, tmp_path):
    prints = {"ts": [1700000000.25, 1700000000.5], "px": [101.0, float("nan")], "sz": [0.5, 1.0], "id": [1, 2]}
    path = tmp_path / "prints.parquet"
    pl.DataFrame(prints | {"maker_is_buyer": [True, False]}).write_parquet(path)
    assert market.take(mapped(tmp_path), path).added.trades == 1
    assert market.said[-1] == f"{path}, row 2: nan is not a number"


def test_an_unknown_side_and_a_hole_in_the_count_are_told(market, tmp_path):
    jump = "1700000001,102,1.0,false,9"
    wrong = write(tmp_path / "prints.csv", [*PRINTS, jump, "1700000002,102,1.0,maybe,10"])
    assert market.take(mapped(tmp_path), wrong).exit_code == NOT_JSON
    assert "line 5: maker_is_buyer was 'maybe', it must be one of 'false', 'true'" in market.said[-1]
    assert market.gaps() == [("trade", "sequence")]


def test_a_file_without_the_columns_is_refused(market, tmp_path):
    path = write(tmp_path / "a.csv", ["ts,px", "1,2"])
    broken = tmp_path / "b.parquet"
    broken.write_bytes(b"PAR1 not really")
    assert market.take(mapped(tmp_path), path, broken).exit_code == UNUSABLE
    assert (
        f"{path}: nothing usable, it lacks columns that the mapping names: [snapshots] 'time'; [trades] 'sz'"
        in market.said
    )
    assert f"{broken}: nothing usable, it is not Parquet" in market.said[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is neither [snapshots] nor [trades]"),
        (MAPPING.replace('"ms"', '"minutes"'), "snapshots.unit was 'minutes'"),
        (MAPPING.replace("levels = 2", "levels = 0"), "snapshots.levels was 0"),
        (MAPPING.replace("bid_px_{level}", "bid"), "snapshots.bid_price: it was 'bid', it must contain {level}"),
        (MAPPING + 'colour = "red"', "trades.colour was 'red': it is unknown"),
        (MAPPING.replace('price = "px"\n', ""), "trades.price is missing"),
        ("[snapshots", "is not TOML"),
    ],
)
def test_a_wrong_mapping_is_one_line(tmp_path, text, said):
    with pytest.raises(BadInput) as error:
        mapped(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'columns.toml'}")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
