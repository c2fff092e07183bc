import itertools
from decimal import Decimal

import orjson
import pytest

from strategy.errors import BadInput
from strategy.kernel.records import BUY, SELL
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.history import write_history
from strategy.venues.paper.market import Market
from strategy.venues.paper.orders import Ticket
from strategy.venues.paper.recording import open_recording
from tests.unit import market_lines as lines

START_NS = 1_800_000_000_000_000_000
BIDS, ASKS = [("99.90", "1.0"), ("99.80", "2.0")], [("100.10", "1.0"), ("100.20", "2.0")]
LOTS = 1_000  # in one base unit


class Room:
    """A market made of lines, with ourselves in it."""

    def __init__(self, folder, *after):
        path = folder / "tape.log"
        opening = [lines.epoch(0), lines.diff(0.1, 1, 5), lines.snapshot(0.15, 5, BIDS, ASKS)]
        path.write_bytes(b"".join([*opening, lines.diff(0.2, 6, 6), *after]))
        config = PaperConfig(symbol="BTC/USDT", lot_size="0.001", tape=(path,), base=Decimal(10), quote=Decimal(10_000))
        self.market = Market(config, START_NS, recording=open_recording(config))
        self._now_ns, self._ids = START_NS, itertools.count(1)

    def run(self, seconds):
        for _ in range(round(seconds / 0.05)):
            self._now_ns += 50_000_000
            self.market.step(self._now_ns, 0.05)

    def bid(self, price, qty):
        ticket = Ticket(f"c{next(self._ids)}", BUY, "LIMIT", "GTC", round(price * 100), round(qty * LOTS))
        return self.market.desk.place(ticket)

    def size(self, side, price):
        return self.market.engine.book.half(side).size(round(price * 100)) / LOTS

    def prints(self):
        return [(trade.side, trade.price / 100, trade.qty / LOTS) for trade in self.market.engine.tape]


def sold(second, price, qty, number=1):
    return lines.trade(second, number, f"{price:.2f}", f"{qty:.3f}", buyer_made=True)


def test_the_recorded_book_stands_and_follows_the_diffs(tmp_path):
    room = Room(tmp_path, lines.diff(0.5, 7, 8, [("99.90", "0"), ("99.85", "0.5")], [("100.10", "3.0")]))
    assert room.market.publisher.best() == (9_990, 1_000, 10_010, 1_000)
    room.run(0.6)
    assert room.market.publisher.best() == (9_985, 500, 10_010, 3_000)
    assert room.market.regime == "recording ended"
    room.run(1.0)
    assert room.market.publisher.best() == (9_985, 500, 10_010, 3_000)


def test_a_recorded_trade_reaches_our_order_once_the_queue_before_it_is_gone(tmp_path):
    room = Room(tmp_path, sold(0.5, 99.90, 0.8), sold(1.0, 99.90, 0.5))
    own = room.bid(99.90, 0.6)
    room.run(0.6)
    assert own.filled == 0
    room.run(0.6)
    assert own.filled == 300
    assert room.prints() == [(SELL, 99.9, 0.8), (SELL, 99.9, 0.3), (SELL, 99.9, 0.2)]


def test_what_leaves_a_level_without_a_trade_leaves_from_behind_us(tmp_path):
    room = Room(
        tmp_path,
        lines.diff(0.5, 7, 7, [("99.90", "2.0")]),
        lines.diff(0.6, 8, 8, [("99.90", "1.0")]),
        sold(1.0, 99.90, 1.2),
    )
    own = room.bid(99.90, 0.5)
    room.run(0.45)
    assert room.size(BUY, 99.90) == 2.5
    room.run(0.6)
    assert own.filled == 200


def test_our_better_price_trades_first_and_at_our_price(tmp_path):
    room = Room(tmp_path, sold(0.5, 99.90, 0.7))
    own = room.bid(99.95, 0.4)
    room.run(0.6)
    assert own.status == "FILLED"
    assert room.prints() == [(SELL, 99.95, 0.4), (SELL, 99.9, 0.3)]


def test_a_recorded_order_that_would_meet_ours_takes_it(tmp_path):
    room = Room(tmp_path, lines.diff(0.5, 7, 8, asks=[("99.95", "0.3"), ("100.10", "0")]))
    own = room.bid(99.95, 0.5)
    room.run(0.6)
    assert (own.filled, own.status) == (300, "PARTIALLY_FILLED")
    assert room.size(SELL, 99.95) == 0


def test_what_we_took_is_there_again_once_the_recording_speaks_of_it(tmp_path):
    room = Room(tmp_path, lines.diff(0.5, 7, 7, asks=[("100.10", "0.9")]))
    taken = room.bid(100.10, 0.4)
    assert taken.status == "FILLED"
    assert room.size(SELL, 100.10) == pytest.approx(0.6)
    room.run(0.6)
    assert room.size(SELL, 100.10) == pytest.approx(0.9)


def test_a_trade_comes_before_the_diff_of_its_effect_though_it_was_recorded_after(tmp_path):
    room = Room(tmp_path, lines.diff(0.5, 7, 7, [("99.90", "0")]), sold(0.5, 99.90, 1.0))
    own = room.bid(99.90, 0.5)
    room.run(0.6)
    assert (own.filled, room.prints()) == (0, [(SELL, 99.9, 1.0)])


def test_a_hole_in_the_recording_leaves_the_book_until_a_snapshot(tmp_path):
    room = Room(
        tmp_path,
        lines.diff(0.5, 20, 21, [("99.90", "7.0")]),
        lines.snapshot(0.7, 21, [("99.00", "1.0")], ASKS),
        lines.diff(0.8, 22, 22, [("99.00", "1.5")]),
    )
    room.run(0.35)
    assert room.market.publisher.best()[:2] == (9_990, 1_000)
    room.run(0.5)
    assert room.market.publisher.best()[:2] == (9_900, 1_500)
    assert room.size(BUY, 99.80) == 0


def test_after_a_restart_without_memory_the_recording_goes_on(tmp_path):
    room = Room(tmp_path, lines.diff(0.5, 7, 7, [("99.90", "5.0")]), lines.diff(1.0, 8, 8, [("99.90", "6.0")]))
    room.bid(99.90, 0.5)
    room.run(0.6)
    old = room.market
    room.market = Market(old.config, room._now_ns, old.engine.ids_ns, old.recording)
    assert room.size(BUY, 99.90) == 5.0
    room.run(0.5)
    assert room.size(BUY, 99.90) == 6.0


def test_an_undisturbed_recording_is_played_back_trade_by_trade_and_level_by_level(tmp_path):
    config = PaperConfig(seed=7, regime="busy")
    path, recorded = tmp_path / "past.log", []

    def write(stamp, line):
        recorded.append(orjson.loads(line))
        with path.open("ab") as file:
            file.write(b"%d %b\n" % (stamp, line))

    write_history(write, config, START_NS, START_NS + 30_000_000_000)
    taped = config.model_copy(update={"tape": (path,)})
    market = Market(taped, START_NS, recording=open_recording(taped))
    prints = []
    market.engine.on_print.append(lambda trade: prints.append((trade.side, trade.price, trade.qty)))
    for number in range(1, 700):
        market.step(START_NS + number * 50_000_000, 0.05)
    assert market.regime == "recording ended"
    data = [message["data"] for message in recorded if "data" in message]
    trades = [each for each in data if each["e"] == "trade"]
    grid = market.grid
    expected = [(SELL if each["m"] else BUY, each["p"], each["q"]) for each in trades]
    assert [(side, grid.price(price), grid.quantity(qty)) for side, price, qty in prints] == expected[-len(prints) :]
    assert len(prints) > 0.95 * len(expected)  # those before the snapshot belong to no book
    book = {
        (side, price): qty for each in data if each["e"] == "depthUpdate" for side in "ba" for price, qty in each[side]
    }
    for side, half in (("b", market.engine.book.bids), ("a", market.engine.book.asks)):
        for price, size in half.depth(200):
            assert book.get((side, grid.price(price)), grid.quantity(size)) == grid.quantity(size)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([lines.diff(0.1, 1, 5)], "no snapshot"),
        (
            [lines.snapshot(0.1, 5, [("99.905", "1.0")], ASKS), lines.diff(0.2, 6, 6)],
            "line 1: 99.905 is not a multiple",
        ),
        ([b"1 {broken\n"], "line 1"),
    ],
)
def test_a_tape_that_makes_no_market_is_named(tmp_path, content, said):
    path = tmp_path / "tape.log"
    path.write_bytes(b"".join(content))
    with pytest.raises(BadInput, match=said):
        open_recording(PaperConfig(symbol="BTC/USDT", lot_size="0.001", tape=(path,)))
    with pytest.raises(BadInput, match=r"missing\.log is not a file"):
        open_recording(PaperConfig(tape=(tmp_path / "missing.log",)))
