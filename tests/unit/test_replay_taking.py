"""Each condition of an order that takes, on a book made for it, without a strategy around it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.kernel.book import set_level, size_at
from strategy.kernel.records import ACTION, BUY, FILL, REJECT, REJECT_OTHER, SELL, STOP_LOSS, TAKE
from strategy.kernel.records import CANCELLED as GONE
from strategy.replay.exchange import new_logs, new_venue
from strategy.replay.fill_model import on_request
from strategy.replay.rows import CANCELLED, FILLED, REJECTED
from strategy.replay.tape import empty_tape

ASKS = ((101, 4), (103, 6), (110, 20))
BIDS = ((99, 5), (95, 7))


class Counter:
    """A venue with one book, and the orders that are sent to it."""

    def __init__(self, asks=ASKS, bids=BIDS, known=1, taker_fee=0.0):
        self.venue, self.logs = new_venue(empty_tape()), new_logs()
        for side, levels in ((SELL, asks), (BUY, bids)):
            for ticks, lots in levels:
                set_level(self.venue.book, side, ticks, lots)
        self.venue.cursor[0]["known"] = known
        self.venue.cursor[0]["taker_fee"] = taker_fee
        self.venue.cursor[0]["maker_fee"] = 0.5

    def take(self, side, price, lots):
        """Let an order that takes arrive; return (price, lots, leaves) of its fills."""
        c, action = self.venue.cursor[0], np.zeros(1, ACTION)[0]
        order_id = int(c["orders"]) + 1
        c["orders"] += 1
        fields = {"kind": TAKE, "side": side, "order_id": order_id, "price_ticks": price, "qty_lots": lots}
        for name, value in fields.items():
            action[name] = value
        row = self.logs.orders[order_id - 1]
        row["order_id"], row["side"], row["purpose"], row["filled_lots"] = order_id, side, STOP_LOSS, 0
        on_request(self.venue, self.logs, action)
        return self.fills(order_id)

    def fills(self, order_id):
        """Return (price, lots, leaves) of an order's fills."""
        names = ("price_ticks", "qty_lots", "leaves_lots")
        told = [e for e in self.news(order_id) if e["kind"] == FILL]
        return [tuple(int(e[name]) for name in names) for e in told]

    def news(self, order_id):
        """Return what was answered about an order."""
        said = self.logs.responses[: int(self.venue.cursor[0]["last_response"])]
        return said[said["order_id"] == order_id]

    def row(self, order_id):
        """Return an order's row."""
        return self.logs.orders[order_id - 1]


def kinds(counter, order_id=1):
    return counter.news(order_id)["kind"].tolist()


def test_order_within_the_best_level_fills_there_in_full():
    counter = Counter()
    assert counter.take(BUY, 105, 3) == [(101, 3, 0)]
    assert kinds(counter) == [FILL]
    assert counter.row(1)["outcome"] == FILLED


def test_larger_order_walks_the_levels_and_pays_each_levels_price():
    counter = Counter()
    assert counter.take(BUY, 110, 12) == [(101, 4, 8), (103, 6, 2), (110, 2, 0)]
    assert counter.venue.cursor[0]["base_lots"] == 12
    assert counter.venue.cursor[0]["quote_atoms"] == -(101 * 4 + 103 * 6 + 110 * 2)


def test_what_its_price_does_not_reach_is_cancelled():
    counter = Counter()
    assert counter.take(BUY, 103, 12) == [(101, 4, 8), (103, 6, 2)]
    assert kinds(counter) == [FILL, FILL, GONE]
    assert (counter.row(1)["outcome"], counter.row(1)["filled_lots"]) == (CANCELLED, 10)


def test_what_is_not_displayed_is_cancelled():
    counter = Counter()
    assert counter.take(SELL, 1, 50) == [(99, 5, 45), (95, 7, 38)]
    assert kinds(counter)[-1] == GONE


@pytest.mark.parametrize("asks", [ASKS, ()])
def test_order_that_reaches_no_level_is_cancelled_whole(asks):
    counter = Counter(asks=asks)
    assert counter.take(BUY, 100, 3) == []
    assert kinds(counter) == [GONE]
    assert (counter.row(1)["outcome"], counter.row(1)["filled_lots"]) == (CANCELLED, 0)


def test_order_on_an_unknown_book_is_refused():
    counter = Counter(known=0)
    assert counter.take(BUY, 200, 3) == []
    assert [(e["kind"], e["code"]) for e in counter.news(1)] == [(REJECT, REJECT_OTHER)]
    assert counter.row(1)["outcome"] == REJECTED


def test_taker_fee_is_a_share_of_each_fills_notional():
    counter = Counter(taker_fee=0.001)
    counter.take(BUY, 103, 10)
    fills = counter.logs.fills[:2]
    np.testing.assert_allclose(fills["fee_quote_atoms"], [0.404, 0.618])
    assert counter.news(1)["fee_quote_atoms"].tolist() == fills["fee_quote_atoms"].tolist()
    assert counter.venue.cursor[0]["quote_atoms"] == pytest.approx(-(404 + 618) * 1.001)
    assert fills["maker"].tolist() == [0, 0]
    assert fills["purpose"].tolist() == [STOP_LOSS, STOP_LOSS]


def test_recorded_book_is_not_changed_by_what_we_take():
    counter = Counter()
    counter.take(BUY, 101, 4)
    assert size_at(counter.venue.book, SELL, 101) == 4
    assert counter.take(BUY, 101, 4) == [(101, 4, 0)]


LEVELS = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 30)), max_size=12, unique_by=lambda level: level[0])


@settings(deadline=None, max_examples=150)
@given(levels=LEVELS, side=st.sampled_from([BUY, SELL]), price=st.integers(1, 40), lots=st.integers(1, 200))
def test_any_order_takes_what_a_naive_walk_takes(levels, side, price, lots):
    counter = Counter(asks=levels if side == BUY else (), bids=levels if side == SELL else ())
    left, expected = lots, []
    for ticks, shown in sorted(levels, key=lambda level: side * level[0]):
        taken = min(left, shown) if side * ticks <= side * price else 0
        if taken:
            left -= taken
            expected.append((ticks, taken, left))
    assert counter.take(side, price, lots) == expected
    assert side * counter.venue.cursor[0]["base_lots"] == lots - left
    assert counter.row(1)["outcome"] == (CANCELLED if left else FILLED)
