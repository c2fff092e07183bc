"""What must hold on any stream of books, trades, answers, silences, switches and new parameters."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.kernel.records import (
    BUY,
    GAP,
    HALT,
    KILL,
    PARAMETERS,
    PLACE,
    QUOTED,
    R_CROSSED,
    R_HALTED,
    R_KILLED,
    R_NO_BOOK,
    R_PANIC,
    R_STALE,
    TAKE,
    TRADE,
)
from tests.unit.kernel_samples import Hand, parameter_set
from tests.unit.venue_fake import UnrulyVenue

INVENTORIES = ("neutral", "skewed", "buy_only")
BASE, QUOTE = 260.0, 6_000_000.0 * 450
NO_QUOTES = R_NO_BOOK | R_CROSSED | R_HALTED | R_KILLED | R_PANIC | R_STALE
COLLAR = 50e-4
RESTING = ("entry", "take_profit")
TIMING = {"executor_refresh_time": 0.7, "cooldown_time": 0.3, "spread_floor_bps": 0.0, "order_qty": 0.0011}
QUOTING = TIMING | {"buy_spreads": [1, 2, 3]}
# Mids step by 5e-4: sigma wanders over these.
WIDTHS = {"spread_low": 0.001, "spread_medium": 5.0, "spread_high": 20.0}
REGIMES = WIDTHS | {"low_threshold": 2e-4, "medium_threshold": 5e-4, "high_threshold": 5.2e-4}
RISK = {"panic_threshold": 5.4e-4, "panic_resume_samples": 3, "lockout_seconds": 0.5}
CLOSING = {
    "plain": {},
    "barriers": {
        "barriers": {
            "take_profit": 0.0008,
            "stop_loss": 0.001,
            "time_limit": 3.0,
            "trailing_stop_activation": 0.0006,
            "trailing_stop_delta": 0.0004,
        }
    },
    "rebalance": {"quoting": QUOTING | {"position_rebalance_threshold_pct": 0.4, "requote_tolerance_bps": 3.0}},
}
RULES = ("plain", "barriers", "rebalance")


def quick(inventory, rules):
    """Return a parameter set that refreshes and cools down within a few updates."""
    groups = {"quoting": QUOTING, "regimes": REGIMES, "risk": RISK} | CLOSING[rules]
    return parameter_set(inventory, **groups)


class Session:
    """A stepper against an unruly venue on a random book, with new parameters now and then."""

    def __init__(self, seed, inventory, swaps, rules="plain", choices=("plain",)):
        self.rng = np.random.default_rng(seed)
        self.hand = Hand(quick(inventory, rules), BASE, QUOTE)
        self.venue = UnrulyVenue(self.rng, BASE, QUOTE, swaps)
        self.choices = [quick(inventory, each) for each in choices]
        self.mid = 6_000_000
        self.best = (0, 0)

    @property
    def core(self):
        """Return the strategy's core record."""
        return self.hand.stepper._state.core[0]

    def turn(self):
        """Let one thing happen, chosen at random, and pass on what is decided."""
        self.venue.act()
        answer = self.venue.deliver()
        chance = self.rng.random()
        if answer is not None:
            self.handle(self.hand.feed(answer[0], 0.01, **answer[1]))
        elif chance < 0.02:
            self.handle(self.hand.feed(GAP))
            self.best = (0, 0)
        elif chance < 0.04:
            self.handle(self.hand.feed(HALT, flag=int(self.rng.random() < 0.4)))
        elif chance < 0.05:
            self.handle(self.hand.feed(KILL, flag=int(self.rng.random() < 0.3)))
        elif chance < 0.06:
            self.swap()
        elif chance < 0.065:
            self.handle(self.hand.timer(6.0))
        elif chance < 0.12:
            self.handle(self.hand.feed(TRADE, side=BUY, price_ticks=self.mid, qty_lots=3))
        elif chance < 0.35:
            self.handle(self.hand.timer(0.2))
        else:
            self.book()

    def swap(self):
        """Choose other parameters."""
        self.hand.stepper.swap(self.choices[int(self.rng.integers(len(self.choices)))], 2)
        self.handle(self.hand.feed(PARAMETERS, code=2))

    def book(self):
        """Move the book; one in twenty is crossed."""
        self.mid += int(self.rng.normal(0, 3_000))
        half = int(self.rng.integers(1, 30)) * (-1 if self.rng.random() < 0.05 else 1)
        self.best = (self.mid - half, self.mid + half)
        self.handle(self.hand.book(*self.best, after_s=0.1, fresh=self.hand.stepper.needs_snapshot))

    def handle(self, actions):
        """Check what was decided and send it."""
        if self.hand.stepper.decided:
            self.check(self.hand.stepper.decision)
        for action in actions:
            bid, ask = self.best
            if action["kind"] == PLACE:
                assert bid < ask, "placed on a crossed or unknown book"
                assert action["price_ticks"] < ask if action["side"] == BUY else action["price_ticks"] > bid
            elif action["kind"] == TAKE:
                assert bid < ask, "took from a crossed or unknown book"
                assert abs(action["price_ticks"] - (bid + ask) / 2) <= COLLAR * (bid + ask) / 2
            self.venue.take(action)

    def check(self, decision):
        """Check one decision record against itself and the positions against what slots hold."""
        if decision["reasons"] & NO_QUOTES:
            assert not decision["want_bid_lots"].any()
            assert not decision["want_ask_lots"].any()
            open_orders = self.hand.stepper.snapshot()["open"]
            assert all(each["state"] != QUOTED for each in open_orders if each["purpose"] in RESTING)
        for kind in ("want", "rest"):
            bids, asks = decision[f"{kind}_bid_ticks"], decision[f"{kind}_ask_ticks"]
            if bids.any() and asks.any():
                assert bids.max() < asks[asks > 0].min()
        held = self.hand.stepper._state.held["lots"]
        assert (held >= 0).all()
        assert decision["positions"] == (held > 0).sum()

    def settle(self):
        """Deliver all that is still under way."""
        while self.venue.news:
            kind, fields = self.venue.news.pop(0)
            self.handle(self.hand.feed(kind, 0.01, **fields))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    inventory=st.sampled_from(INVENTORIES),
    swaps=st.booleans(),
    rules=st.sampled_from(RULES),
    choices=st.sampled_from([RULES, ("plain", "barriers"), ("barriers",)]),
)
def test_any_stream_keeps_bid_under_ask_quotes_passive_and_offers_only_what_is_held(
    seed, inventory, swaps, rules, choices
):
    session = Session(seed, inventory, swaps, rules, choices)
    for _ in range(400):
        session.turn()
    session.settle()
    held = session.hand.stepper.snapshot()
    assert held["base_lots"] == BASE + session.venue.position == session.venue.base
    assert held["quote_atoms"] == session.venue.quote
    assert set(session.venue.live) <= {order["order_id"] for order in held["open"]}


def test_random_streams_reach_every_kind_of_news_and_rule():
    reached = {}
    for rules in ("plain", "barriers", "rebalance"):
        session = Session(7, "neutral", swaps=True, rules=rules, choices=(rules,))
        for _ in range(2_500):
            session.turn()
        for name in session.core.dtype.names:
            reached[name] = max(reached.get(name, 0), session.core[name])
        assert (session.venue.taken > 0) == (rules != "plain")
    news = ("fills", "rejects", "late_fills", "crossed_books", "gaps", "cancels", "timers", "trades")
    rules = ("stales", "kills", "panics", "lockouts", "rate_limited", "requotes", "barriers", "takes", "rebalances")
    for counter in news + rules:
        assert reached[counter] > 2, counter


def test_position_is_closed_once_its_barriers_are_gone_from_the_parameters():
    session = Session(11, "neutral", swaps=False, rules="barriers", choices=("barriers",))
    while not session.core["positions"]:
        session.turn()
    session.hand.stepper.swap(quick("neutral", "plain"), 2)
    session.handle(session.hand.feed(PARAMETERS, code=2))
    session.choices = [quick("neutral", "plain")]
    for _ in range(200):
        session.turn()
    assert session.core["positions"] == 0
    assert not session.hand.stepper._state.held["lots"].any()
