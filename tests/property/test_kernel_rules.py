"""What barriers and rebalance must keep on any stream, and that no state is one without a way out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.kernel.records import (
    ACK,
    BUY,
    CANCEL,
    CANCELLED,
    CANCELLING,
    ENTRY,
    FILL,
    GAP,
    HALT,
    KILL,
    PENDING,
    POSITION,
    REBALANCE,
    TAKE,
)
from strategy.kernel.state import COUNTERS
from tests.unit.kernel_samples import SECOND, Hand, parameter_set
from tests.unit.venue_fake import UnrulyVenue

MID = 6_000_000
QUOTING = {
    "executor_refresh_time": 0.7,
    "cooldown_time": 0.3,
    "spread_floor_bps": 0.0,
    "order_qty": 0.0011,
    "buy_spreads": [1, 2],
    "sell_spreads": [1, 2],
}
STOPS = {"stop_loss": 0.001, "time_limit": 2.0}
BARRIERS = {
    "time": {"time_limit": 1.0},
    "stops": {"stop_loss": 0.0004},
    "profit": {"take_profit": 0.0005},
    "all": STOPS | {"take_profit": 0.0008, "trailing_stop_activation": 0.0006, "trailing_stop_delta": 0.0004},
}
ACCOUNTS = {"both": (260.0, 450.0), "base": (260.0, 0.0), "quote": (0.0, 450.0), "little": (5.0, 130.0)}


def rules(barriers, threshold):
    """Return a parameter set of these barriers that refreshes and cools down within a few updates."""
    quoting = QUOTING | {"position_rebalance_threshold_pct": threshold}
    risk = {"lockout_seconds": 0.5, "panic_threshold": 9e-4, "panic_resume_samples": 3, "max_orders_per_second": 40}
    return parameter_set(quoting=quoting, barriers=BARRIERS[barriers], risk=risk)


class Session:
    """A strategy against an unruly venue that never swaps answers about one order; checks every reply."""

    def __init__(self, seed, barriers, threshold, account):
        self.rng = np.random.default_rng(seed)
        base, quote = ACCOUNTS[account]
        self.hand = Hand(rules(barriers, threshold), base, quote * MID)
        self.venue = UnrulyVenue(self.rng, base, quote * MID, swaps=False)
        self.mid = MID
        self.sent = {}  # order id: the slot and whether it opens
        self.acknowledged = set()
        self.expected = np.zeros(16, np.int64)  # lots that each entry slot holds

    @property
    def core(self):
        """Return the core record."""
        return self.hand.stepper._state.core[0]

    @property
    def slots(self):
        """Return the states of the entry slots in use: two levels a side."""
        return self.hand.stepper._state.slots["state"][[0, 1, 8, 9]]

    def turn(self):
        """Let one thing happen, chosen at random."""
        self.venue.act()
        answer, chance = self.venue.deliver(), self.rng.random()
        if answer is not None:
            self.answer(*answer)
        elif chance < 0.02:
            self.reply(self.hand.feed(GAP, 0.01))
        elif chance < 0.05:
            self.reply(self.hand.feed(HALT if chance < 0.04 else KILL, 0.01, flag=int(self.rng.random() < 0.3)))
        elif chance < 0.3 and self.hand.stepper.next_wake_ns:
            self.wake()
        else:
            self.mid += int(self.rng.normal(0, 1_500))
            self.book()

    def calm_turn(self):
        """Let the market stand, the venue answer everything, and nobody trade with us."""
        while self.venue.cancels:
            order_id = self.venue.cancels.pop(0)
            if self.venue.live.pop(order_id, None):
                self.venue.news.append((CANCELLED, {"order_id": order_id}))
        while self.venue.news:
            self.answer(*self.venue.news.pop(0))
        self.book()

    def book(self):
        """Feed an update, fresh where that is asked for."""
        self.reply(self.hand.book(self.mid - 5, self.mid + 5, 0.1, fresh=self.hand.stepper.needs_snapshot))

    def wake(self):
        """Feed the timer that is due, at most three seconds on."""
        due = self.hand.stepper.next_wake_ns
        self.hand.now = max(self.hand.now, min(due, self.hand.now + 3 * SECOND))
        self.reply(self.hand.timer())

    def answer(self, kind, fields):
        """Pass an answer on and keep what it says of our orders."""
        order_id = int(fields["order_id"])
        if kind in (ACK, FILL):
            self.acknowledged.add(order_id)
        if kind == FILL:
            slot, opens = self.sent[order_id]
            if slot is not None:
                self.expected[slot] += fields["qty_lots"] if opens else -fields["qty_lots"]
        self.reply(self.hand.feed(kind, 0.01, **fields))

    def reply(self, actions):
        """Check the state and hand the actions to the venue, which refuses takers beside quotes of ours."""
        wake = self.hand.stepper.next_wake_ns
        assert wake == 0 or wake > self.hand.now, "a wake that is over"
        assert self.core["base_lots"] >= 0
        assert all(self.core[name] >= 0 for name in (*COUNTERS, "positions", "calm_samples", "orders_today"))
        self.check_holdings()
        for action in actions:
            order_id = int(action["order_id"])
            if action["kind"] == CANCEL:
                assert order_id in self.acknowledged, "cancelled what was not acknowledged"
            elif action["purpose"] != REBALANCE:
                opens = action["purpose"] == ENTRY
                side = int(action["side"]) if opens else -int(action["side"])
                self.sent[order_id] = (int(action["level"]) + (0 if side == BUY else 8), opens)
            else:
                self.sent[order_id] = (None, False)
            assert not (action["kind"] == TAKE and self.venue.live)
            self.venue.take(action)

    def check_holdings(self):
        """Check that a slot holds what its entry filled and its exits did not take off, or has let go of all."""
        held = self.hand.stepper._state.held["lots"]
        assert self.core["positions"] == (held > 0).sum()
        self.expected[held == 0] = 0
        assert (held == self.expected).all()


STREAM = {
    "seed": st.integers(0, 2**32 - 1),
    "barriers": st.sampled_from(sorted(BARRIERS)),
    "threshold": st.sampled_from([None, 0.3]),
    "account": st.sampled_from(sorted(ACCOUNTS)),
}


@settings(deadline=None, max_examples=60)
@given(**STREAM)
def test_slots_hold_what_was_filled_takers_go_alone_and_wakes_lie_ahead(seed, barriers, threshold, account):
    session = Session(seed, barriers, threshold, account)
    for _ in range(350):
        session.turn()


@settings(deadline=None, max_examples=60)
@given(**STREAM)
def test_quoting_comes_back_once_the_venue_has_answered_and_the_market_is_calm(seed, barriers, threshold, account):
    session = Session(seed, barriers, threshold, account)
    for _ in range(200):
        session.turn()
    session.reply(session.hand.feed(HALT, 0.01, flag=0))
    session.reply(session.hand.feed(KILL, 0.01, flag=0))
    for _ in range(150):
        session.calm_turn()
    seen = np.zeros((60, 4), np.int64)
    clearing = 0
    for row in seen:
        session.calm_turn()
        row[:] = session.slots
        clearing += int(session.core["clearing"])
    assert clearing < 30, "quotes stand aside for ever"
    for states in seen.T:
        assert not (states == CANCELLING).all()
        assert not (states == PENDING).all()
    waits_for_the_market = (seen[-1] == POSITION).any()
    assert session.venue.live or session.venue.news or waits_for_the_market, "nothing rests and nothing is awaited"
    if barriers in ("time", "all"):
        assert not (seen == POSITION).all(axis=0).any(), "a position outlived its time limit"


def test_streams_reach_what_they_check():
    reached = dict.fromkeys(("takes", "barriers", "rebalances", "dust", "cancels", "gaps", "kills", "fills"), 0)
    for seed, barriers in enumerate(BARRIERS):
        session = Session(seed, barriers, 0.3, "both")
        for _ in range(1_200):
            session.turn()
        reached = {name: count + int(session.core[name]) for name, count in reached.items()}
    assert min(reached.values()) > 2, reached
