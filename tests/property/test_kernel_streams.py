"""What must hold on any stream of books and answers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.kernel.records import BUY, GAP, HALT, PLACE, QUOTED, R_CROSSED, R_HALTED, R_NO_BOOK
from strategy.kernel.step import width_bps
from strategy.policies.composition import STEP, compose, policy_names
from strategy.policies.packing import pack_parameters
from tests.unit.kernel_samples import BTC, Hand, parameter_set
from tests.unit.venue_fake import UnrulyVenue

INVENTORIES = ("neutral", "skewed", "buy_only")
BASE, QUOTE = 260.0, 6_000_000.0 * 450


def quick(inventory):
    """Return a parameter set that refreshes and cools down within a few updates."""
    timing = {"executor_refresh_time": 0.7, "cooldown_time": 0.3, "spread_floor_bps": 0.0, "order_qty": 0.0011}
    widths = {"spread_low": 0.001, "spread_medium": 5.0, "spread_high": 20.0}
    return parameter_set(inventory, quoting=timing | {"buy_spreads": [1, 2, 3]}, regimes=widths)


class Session:
    """A stepper against an unruly venue on a random book."""

    def __init__(self, seed, inventory, swaps):
        self.rng = np.random.default_rng(seed)
        self.hand = Hand(quick(inventory), BASE, QUOTE)
        self.venue = UnrulyVenue(self.rng, BASE, QUOTE, swaps)
        self.mid = 6_000_000
        self.best = (0, 0)

    def turn(self):
        """Let one thing happen, chosen at random, and pass on what is decided."""
        self.venue.act()
        answer = self.venue.deliver()
        if answer is not None:
            self.handle(self.hand.feed(answer[0], 0.01, **answer[1]))
        elif self.rng.random() < 0.02:
            self.handle(self.hand.feed(GAP))
            self.best = (0, 0)
        elif self.rng.random() < 0.02:
            self.handle(self.hand.feed(HALT, flag=int(self.rng.random() < 0.4)))
        elif self.rng.random() < 0.3:
            self.handle(self.hand.timer(0.2))
        else:
            self.book()

    def book(self):
        """Move the book; one in twenty is crossed."""
        self.mid += int(self.rng.normal(0, 3_000))
        half = int(self.rng.integers(1, 30)) * (-1 if self.rng.random() < 0.05 else 1)
        fresh = self.best == (0, 0)
        self.best = (self.mid - half, self.mid + half)
        self.handle(self.hand.book(*self.best, after_s=0.1, fresh=fresh))

    def handle(self, actions):
        """Check what was decided and send it."""
        if self.hand.stepper.decided:
            self.check(self.hand.stepper.decision)
        for action in actions:
            if action["kind"] == PLACE:
                bid, ask = self.best
                assert bid < ask, "placed on a crossed or unknown book"
                assert action["price_ticks"] < ask if action["side"] == BUY else action["price_ticks"] > bid
            self.venue.take(action)

    def check(self, decision):
        """Check one decision record against itself."""
        if decision["reasons"] & (R_NO_BOOK | R_CROSSED | R_HALTED):
            assert not decision["want_bid_lots"].any()
            assert not decision["want_ask_lots"].any()
            assert all(order["state"] != QUOTED for order in self.hand.stepper.snapshot()["open"])
        for kind in ("want", "rest"):
            bids, asks = decision[f"{kind}_bid_ticks"], decision[f"{kind}_ask_ticks"]
            if bids.any() and asks.any():
                assert bids.max() < asks[asks > 0].min()

    def settle(self):
        """Deliver all that is still under way."""
        while self.venue.news:
            kind, fields = self.venue.news.pop(0)
            self.handle(self.hand.feed(kind, 0.01, **fields))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), inventory=st.sampled_from(INVENTORIES), swaps=st.booleans())
def test_any_stream_keeps_bid_under_ask_quotes_passive_and_offers_only_what_is_held(seed, inventory, swaps):
    session = Session(seed, inventory, swaps)
    for _ in range(400):
        session.turn()
    session.settle()
    held = session.hand.stepper.snapshot()
    assert held["base_lots"] == BASE + session.venue.position == session.venue.base
    assert held["quote_atoms"] == session.venue.quote
    assert set(session.venue.live) <= {order["order_id"] for order in held["open"]}


def test_random_streams_reach_every_kind_of_news():
    session = Session(7, "neutral", swaps=True)
    for _ in range(3_000):
        session.turn()
    core = session.hand.stepper._state.core[0]
    for counter in ("fills", "rejects", "late_fills", "crossed_books", "gaps", "cancels", "timers"):
        assert core[counter] > 10, counter


@pytest.mark.parametrize("spread", ["discrete", "linear"])
@settings(deadline=None, max_examples=200)
@given(low=st.floats(0, 0.01), more=st.floats(0, 0.01))
def test_more_sigma_never_narrows(spread, low, more):
    parameters = parameter_set("neutral", spread)
    params = pack_parameters(parameters, BTC)
    width = compose(STEP, policy_names(parameters)).width_bps
    assert width is not width_bps
    assert width(params, low + more) >= width(params, low) >= params.quoting[0]["spread_floor_bps"]
    assert width(params, math.nan) == 8.0
