"""Collector files of Binance's three markets, with receive stamps and venue stamps in every unit in use."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from analytics.ingest.importer import import_files
from analytics.ingest.market_rows import Counts
from strategy.kernel.records import BUY, SELL
from tests.unit.readers.reader_rig import books, rig, trades

pytestmark = pytest.mark.slow

START = 1_700_000_000_000_000_000
MS = 1_000_000
LATENCY = 7 * MS
SYMBOLS = {
    "spot": ("BTC/USDT", "BTCUSDT", {}),
    "usdm": ("BTC/USDT:USDT", "BTCUSDT", {}),
    "coinm": ("BTC/USD:BTC", "BTCUSD_PERP", {"ps": "BTCUSD"}),
}
UNITS = {"ns": 1, "us": 1_000, "ms": MS}


class Collector:
    """Writes what one market's collector would."""

    def __init__(self, market: str, local: str = "ns", venue: str = "ms") -> None:
        """Stamp in the named units."""
        self.market, self.local_unit, self.venue_unit = market, UNITS[local], UNITS[venue]
        _, self.name, self.more = SYMBOLS[market]
        self.lines: list[bytes] = []
        self.last = 1_000

    def say(self, ms: int, message: dict[str, Any], stream: str = "") -> None:
        """Write one line, with a stream's envelope when it has one."""
        whole = {"stream": f"{self.name.lower()}@{stream}", "data": message} if stream else message
        self.lines.append(b"%d %b\n" % ((START + ms * MS + LATENCY) // self.local_unit, orjson.dumps(whole)))

    def event(self, kind: str, ms: int, **fields: Any) -> dict[str, Any]:
        """Return what all events have; futures say when it happened in the matching engine."""
        now = (START + ms * MS) // self.venue_unit
        matched = {"T": now} if self.market != "spot" or kind == "trade" else {}
        return {"e": kind, "E": now, "s": self.name, **self.more, **matched, **fields}

    def diff(self, ms: int, bids: list[list[str]], asks: list[list[str]]) -> None:
        """Write a depth update that continues the one before; futures' ids jump, their `pu` does not."""
        step = 1 if self.market == "spot" else 37
        first, self.last, before = self.last + step, self.last + step + 2, self.last
        chained = {} if self.market == "spot" else {"pu": before}
        self.say(ms, self.event("depthUpdate", ms, U=first, u=self.last, **chained, b=bids, a=asks), "depth@0ms")

    def snapshot(self, ms: int, bids: list[list[str]], asks: list[list[str]]) -> None:
        """Write a REST snapshot."""
        now = (START + ms * MS) // self.venue_unit
        stamped = {} if self.market == "spot" else {"E": now, "T": now}
        named = {"symbol": self.name, "pair": "BTCUSD"} if self.market == "coinm" else {}
        self.say(ms, {"lastUpdateId": self.last, **stamped, **named, "bids": bids, "asks": asks})

    def trade(self, ms: int, number: int, price: str, qty: str, buyer_made: bool, kind: str = "MARKET") -> None:
        """Write a trade; futures say of what kind it is."""
        kinds = {} if self.market == "spot" else {"X": kind}
        self.say(ms, self.event("trade", ms, t=number, p=price, q=qty, m=buyer_made, **kinds), "trade")

    def session(self) -> "Collector":
        """Write a first diff, the snapshot that continues it, twenty diffs and two trades."""
        self.diff(0, [["99.0", "1"]], [])
        self.snapshot(5, [["100.0", "2"], ["99.0", "1"]], [["100.5", "3"]])
        for i in range(20):
            self.diff(100 + 100 * i, [["100.0", str(i + 1)]], [["100.5", "0"], ["101.0", "5"]] if i == 19 else [])
        self.trade(2100, 1, "100.5", "2", buyer_made=False)
        self.trade(2150, 2, "100.0", "1", buyer_made=True)
        return self

    def write(self, path: Path) -> Path:
        """Write the file."""
        path.write_bytes(b"".join(self.lines))
        return path


@pytest.mark.parametrize("market", SYMBOLS)
@pytest.mark.parametrize(("local", "venue"), [("ns", "ms"), ("us", "us"), ("ms", "ms"), ("ns", "us")])
def test_a_collectors_file_becomes_the_tape_that_was_written(lake, tmp_path, market, local, venue):
    into = rig(lake, SYMBOLS[market][0])
    path = Collector(market, local, venue).session().write(tmp_path / "a.log")
    done = import_files(lake, [path], *into.place, report=into.said.append)
    assert (done.exit_code, done.added) == (0, Counts(depth_updates=21, trades=2, snapshots=1)), into.said
    tape, info = into.tape()
    assert (info.tick_size, info.lot_size, info.clock_offset_ns) == ("0.1", "1", LATENCY)
    assert tape.fresh.tolist() == [1] + [0] * 20
    assert tape.update_exch.tolist()[1:] == [START + (100 + 100 * i) * MS for i in range(20)]
    assert books(tape)[0] == {(BUY, 1000): 2, (BUY, 990): 1, (SELL, 1005): 3}
    assert books(tape)[-1] == {(BUY, 1000): 20, (BUY, 990): 1, (SELL, 1010): 5}
    assert trades(tape) == [(START + 2100 * MS, BUY, 1005, 2), (START + 2150 * MS, SELL, 1000, 1)]
    assert import_files(lake, [path], *into.place).added == Counts()


@pytest.mark.parametrize("market", ["usdm", "coinm"])
def test_a_futures_diff_whose_pu_is_unknown_is_a_gap_until_a_snapshot(lake, tmp_path, market):
    into = rig(lake, SYMBOLS[market][0])
    file = Collector(market).session()
    file.last += 500
    file.diff(3000, [["98.0", "9"]], [])
    file.snapshot(3010, [["98.0", "9"]], [["102.0", "1"]])
    file.diff(3100, [["98.0", "8"]], [])
    done = import_files(lake, [file.write(tmp_path / "a.log")], *into.place)
    assert (done.exit_code, done.added.gaps) == (0, 1)
    tape, _ = into.tape()
    assert tape.fresh.tolist() == [1] + [0] * 20 + [1, 0]
    assert books(tape)[-1] == {(BUY, 980): 8, (SELL, 1020): 1}


def test_a_transfer_to_the_insurance_fund_is_no_trade(lake, tmp_path):
    into = rig(lake, "BTC/USDT:USDT")
    file = Collector("usdm").session()
    file.trade(2200, 3, "0", "0", buyer_made=True, kind="NA")
    file.trade(2300, 4, "77.0", "9", buyer_made=True, kind="INSURANCE_FUND")
    assert import_files(lake, [file.write(tmp_path / "a.log")], *into.place).added.trades == 2


def test_a_coin_margined_file_is_not_taken_for_another_market(lake, tmp_path):
    into = rig(lake, "BTC/USD")
    path = Collector("coinm").session().write(tmp_path / "a.log")
    done = import_files(lake, [path], *into.place, report=into.said.append)
    assert done.exit_code == 2
    assert into.said == [f"{path}: nothing usable, it is of BTCUSD_PERP, not of BTCUSD"]
