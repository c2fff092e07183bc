import itertools

import numpy as np
import orjson
import pytest

from strategy.kernel.records import BOOK, FRESH, GAP, TRADE
from strategy.venues.events import DepthSnapshot, Epoch, InstrumentInfo
from strategy.venues.market import MarketReader
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.history import write_history
from strategy.venues.paper.market import Market
from strategy.venues.units import Units
from strategy.venues.wire import parse

START_NS = 1_700_000_000_000_000_000
MINUTE_NS = 60_000_000_000
STEP_S = 0.05


def played(config, seconds):
    """Return a market after a while and its frames, a snapshot taken half way."""
    market, frames, snapshot = Market(config, START_NS), [], ""
    steps = int(seconds / STEP_S)
    for number in range(1, steps + 1):
        now_ns = START_NS + int(number * STEP_S * 1e9)
        market.step(now_ns, STEP_S)
        if number == steps // 2 + 1:
            snapshot = market.publisher.snapshot(5_000)
        if number % 2 == 0:
            market.publish_depth(now_ns)
        frames += market.drain()
    return market, frames, orjson.loads(snapshot)


def rebuilt(snapshot, diffs):
    """Return the book that a reader makes of a snapshot and the diffs after it."""
    sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
    last = snapshot["lastUpdateId"]
    for diff in diffs:
        if diff["u"] <= last:
            continue
        assert diff["U"] <= last + 1
        last = diff["u"]
        for name, side in sides.items():
            side.update(dict(diff[name]))
            sides[name] = {price: qty for price, qty in side.items() if float(qty)}
    return last, sides


@pytest.fixture(scope="module")
def minute():
    return played(PaperConfig(seed=5, regime="busy"), 60)


def payloads(frames, kind):
    return [orjson.loads(frame.payload) for frame in frames if frame.stream == f"btcfdusd@{kind}"]


def test_diffs_are_contiguous_and_rebuild_the_book(minute):
    market, frames, snapshot = minute
    diffs = payloads(frames, "depth@100ms")
    assert all(after["U"] == before["u"] + 1 for before, after in itertools.pairwise(diffs))
    last, sides = rebuilt(snapshot, diffs)
    now = orjson.loads(market.publisher.snapshot(5_000))
    assert last == now["lastUpdateId"]
    assert sides == {"b": dict(now["bids"]), "a": dict(now["asks"])}


def test_frames_have_the_venues_exact_fields(minute):
    _, frames, _ = minute
    assert list(payloads(frames, "depth@100ms")[0]) == ["e", "E", "s", "U", "u", "b", "a"]
    assert list(payloads(frames, "trade")[0]) == ["e", "E", "s", "t", "p", "q", "T", "m", "M"]
    assert list(payloads(frames, "bookTicker")[0]) == ["u", "s", "b", "B", "a", "A"]
    assert orjson.loads(frames[0].combined()).keys() == {"stream", "data"}


def test_trades_have_consecutive_ids_and_best_prices_never_cross(minute):
    _, frames, _ = minute
    ids = [trade["t"] for trade in payloads(frames, "trade")]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    tickers = payloads(frames, "bookTicker")
    assert all(float(ticker["b"]) < float(ticker["a"]) for ticker in tickers)
    updates = [ticker["u"] for ticker in tickers]
    assert updates == sorted(updates)


def test_the_same_seed_makes_the_same_market_and_another_seed_another():
    texts = [[frame.payload for frame in played(PaperConfig(seed=seed), 5)[1]] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_a_market_opened_later_never_uses_an_id_again(minute):
    market, _, _ = minute
    opened_ns = START_NS + MINUTE_NS
    later = Market(PaperConfig(seed=5), opened_ns)
    assert later.engine.book.update_id > opened_ns // 1_000 > market.engine.book.update_id
    assert later.engine.last_trade_id >= opened_ns // 1_000_000 > market.engine.last_trade_id
    assert later.engine.next_order_id() > market.engine.next_order_id()


@pytest.mark.parametrize(
    ("regime", "sigma", "trades"), [("calm", (6e-6, 3e-5), 3), ("busy", (3e-5, 1e-4), 4), ("stressed", (1e-4, 5e-4), 6)]
)
def test_each_regime_has_its_volatility_and_pace(regime, sigma, trades):
    market, mids, changed = Market(PaperConfig(seed=11, regime=regime), START_NS), [], []
    for number in range(1, 2 * 1_200 + 1):
        market.step(START_NS + int(number * STEP_S * 1e9), STEP_S)
        if number % 2 == 0:
            changed.append(len(market.engine.book.bids.changed) + len(market.engine.book.asks.changed))
            market.publish_depth(START_NS + int(number * STEP_S * 1e9))
            mids.append(float(market.mid()))
    market.drain()
    returns = np.diff(mids) / mids[:-1]
    low, high = sigma
    assert low < returns.std(ddof=1) < high
    prints = market.engine.last_trade_id - START_NS // 1_000_000
    assert trades * 0.7 < prints / 120 < trades * 3.5
    assert 5 < np.mean(changed) < 25
    sides = (market.engine.book.bids, market.engine.book.asks)
    assert all(20 <= len(half.levels) <= 60 for half in sides)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_neither_side_is_ever_empty_or_crossed(seed):
    market = Market(PaperConfig(seed=seed, regime="stressed"), START_NS)
    for number in range(1, 2_000):
        market.step(START_NS + int(number * STEP_S * 1e9), STEP_S)
        bid, _, ask, _ = market.publisher.best()
        assert 0 < bid < ask
        market.drain()


def test_a_history_reads_as_a_recording_of_one_connection():
    lines, shares = [], []
    config = PaperConfig(seed=3, book_ticker_in_history=True)
    end_ns = START_NS + 2 * MINUTE_NS
    end = write_history(lambda at, line: lines.append((at, line)), config, START_NS, end_ns, shares.append)
    stamps = [stamp for stamp, _ in lines]
    assert stamps == sorted(set(stamps))
    assert START_NS < stamps[0] < stamps[-1] < end_ns + MINUTE_NS
    first = [event for stamp, line in lines[:2] for event in parse(stamp, line)]
    assert isinstance(first[0], Epoch)
    assert isinstance(first[1], InstrumentInfo)
    assert (first[1].tick_size, first[1].lot_size) == ("0.01000000", "0.00001000")
    snapshots = [event for stamp, line in lines for event in parse(stamp, line) if isinstance(event, DepthSnapshot)]
    assert len(snapshots) == 1
    assert shares == [0.5, 1.0]
    assert end.last_update_id < end_ns // 1_000
    assert end.last_trade_id < end_ns // 1_000_000


def test_a_history_makes_a_known_book_without_gaps():
    reader = MarketReader("BTC/FDUSD", Units("0.01", "0.00001"))
    events, last = [], START_NS

    def write(stamp, line):
        nonlocal last
        last = stamp
        events.extend(reader.read(stamp, line))

    end = write_history(write, PaperConfig(seed=4), START_NS, START_NS + MINUTE_NS)
    kinds = [int(event["kind"]) for event in events]
    assert kinds.count(GAP) == 0
    assert sum(int(event["flag"]) == FRESH for event in events if event["kind"] == BOOK) == 1
    assert kinds.count(BOOK) == pytest.approx(597, abs=3)
    assert kinds.count(TRADE) > 60
    books = [event for event in events if event["kind"] == BOOK]
    assert all(book["bid_ticks"] < book["ask_ticks"] for book in books)
    assert float(end.last_price) * 200 == books[-1]["bid_ticks"] + books[-1]["ask_ticks"]
