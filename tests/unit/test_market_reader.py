import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.errors import BadData
from strategy.kernel.records import BOOK, FRESH, GAP, SELL, TRADE
from strategy.venues.book import LiveBook
from strategy.venues.market import MarketReader
from strategy.venues.units import Units
from tests.unit import market_lines as lines

UNITS = Units("0.01", "0.001")


def feed(reader: MarketReader, *raw: bytes) -> list:
    events = []
    for each in raw:
        stamp, _, payload = each.rstrip(b"\n").partition(b" ")
        events += reader.read(int(stamp), payload)
    return events


def test_a_connection_becomes_a_fresh_book_then_updates_and_trades():
    reader = MarketReader("BTC/USDT", UNITS)
    events = feed(reader, *lines.session(updates=2))
    assert [int(event["kind"]) for event in events] == [BOOK, BOOK, TRADE, BOOK, TRADE]
    assert [int(event["flag"]) for event in events] == [FRESH, 0, 0, 0, 0]
    first, trade = events[0], events[2]
    assert (first["bid_ticks"], first["bid_lots"], first["ask_ticks"], first["ask_lots"]) == (10000, 1000, 10002, 1500)
    assert (trade["price_ticks"], trade["qty_lots"], trade["side"]) == (10002, 10, SELL)
    assert trade["local_ts"] - trade["exch_ts"] == lines.LATENCY_NS


def test_a_hole_is_a_gap_and_asks_for_a_snapshot_that_makes_the_book_fresh():
    reader = MarketReader("BTC/USDT", UNITS)
    assert reader.needs_snapshot
    feed(reader, *lines.session(updates=2))
    assert not reader.needs_snapshot
    (gap,) = feed(reader, lines.diff(1, 200, 201))
    assert gap["kind"] == GAP
    assert reader.needs_snapshot
    assert feed(reader, lines.diff(1.1, 202, 203, [("100.01", "1.000")])) == []
    (book,) = feed(reader, lines.snapshot(1.2, 202, [("100.00", "1.000")], [("100.05", "1.000")]))
    assert (book["flag"], book["bid_ticks"], book["ask_ticks"]) == (FRESH, 10001, 10005)


def test_a_price_off_the_grid_raises_and_leaves_the_book_unknown():
    reader = MarketReader("BTC/USDT", UNITS)
    feed(reader, *lines.session(updates=1))
    with pytest.raises(BadData, match=r"100\.005"):
        feed(reader, lines.diff(1, 103, 104, [("100.005", "1.000")]))
    assert reader.needs_snapshot


def test_another_symbol_is_passed_over():
    assert feed(MarketReader("ETH/USDT", UNITS), *lines.session(updates=1)[2:3]) == []


@given(st.floats(1.0, 3_000.0), st.lists(st.tuples(st.integers(-60, 60), st.integers(1, 9)), min_size=2))
def test_a_book_event_carries_the_depth_within_the_band_of_its_mid(band_bps, levels):
    sides = {
        1: {10_000 - 1 - abs(at): lots for at, lots in levels},
        -1: {10_000 + abs(at): lots for at, lots in levels},
    }
    rows = [[(f"{ticks / 100:.2f}", f"{lots / 1000:.3f}") for ticks, lots in sides[side].items()] for side in (1, -1)]
    reader = MarketReader("BTC/USDT", UNITS, band_bps)
    (book,) = feed(reader, lines.snapshot(1, 5, *rows))
    mid = (max(sides[1]) + min(sides[-1])) / 2
    found = [
        sum(lots for ticks, lots in sides[side].items() if abs(ticks - mid) <= mid * band_bps / 1e4) for side in sides
    ]
    assert [book["bid_depth_lots"], book["ask_depth_lots"]] == found


def test_nobody_who_asks_for_depth_gets_none():
    (book,) = feed(MarketReader("BTC/USDT", UNITS), lines.snapshot(1, 5, [("99.00", "1")], [("101.00", "1")]))
    assert (book["bid_depth_lots"], book["ask_depth_lots"]) == (0, 0)


def test_depth_within_a_band_sums_both_sides():
    book = LiveBook(UNITS)
    book.replace([("100.00", "1.000"), ("99.00", "2.000")], [("101.00", "3.000"), ("102.00", "4.000")])
    assert book.depth(9900, 10100) == (3000, 3000)
    assert book.depth(9950, 10200) == (1000, 7000)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.integers(0, 3)), max_size=60))
def test_the_best_prices_are_those_of_a_plain_dictionary(changes):
    book, oracle = LiveBook(Units("1", "1")), ({}, {})
    for is_bid, ticks, lots in changes:
        book.change([(str(ticks), str(lots))] if is_bid else [], [] if is_bid else [(str(ticks), str(lots))])
        oracle[not is_bid][ticks] = lots
    bids, asks = ({ticks: lots for ticks, lots in side.items() if lots} for side in oracle)
    bid, ask = max(bids, default=0), min(asks, default=0)
    assert book.best() == (bid, bids.get(bid, 0), ask, asks.get(ask, 0))
