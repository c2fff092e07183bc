"""The sampling clock (strategy.md 2): sigma at its ticks, whatever the venue's message rate."""

import math
from itertools import pairwise

import pytest

from strategy.kernel.records import BUY, CANCEL, GAP, R_PANIC, R_STALE, TRADE
from strategy.kernel.step import CLOCK_REACH
from tests.unit.kernel_samples import SECOND, START, Hand, parameter_set

MID = 6_000_000
MIDS = (0, 300, -200, 450, 900, 100, 100, -700, 50, 0)  # ticks from MID, one a second


def clocked_hand(interval_s=1.0, min_samples=2, **risk):
    """Return a hand whose sigma samples on a clock."""
    volatility = {"policy": "rolling_std", "vol_sampling_interval": interval_s, "min_samples": min_samples}
    risk = {"stale_after_seconds": None} | risk
    return Hand(parameter_set(volatility=volatility, risk=risk))


def market(hand, mid, after_s, fresh=False):
    """Feed an update around `mid`."""
    hand.book(mid - 1, mid + 1, after_s, fresh)


def core_of(hand):
    """Return the core record."""
    return hand.stepper._state.core[0]


def deviation(mids):
    """Return the sample standard deviation of the relative differences, plainly."""
    moves = [later / earlier - 1 for earlier, later in pairwise(mids)]
    mean = sum(moves) / len(moves)
    return math.sqrt(sum((move - mean) ** 2 for move in moves) / (len(moves) - 1))


def sigmas(messages, noise=()):
    """Return sigma at every tick for a venue that repeats each second's mid so many times, after some noise."""
    hand, found = clocked_hand(), []
    for second, offset in enumerate(MIDS):
        for n in range(messages):
            hand.now = START + second * SECOND + (n + 1) * SECOND // (messages + 1)
            wanders = n < messages - 1 and len(noise) > 0
            market(hand, MID + (noise[n % len(noise)] if wanders else offset), 0.0, fresh=second == n == 0)
        hand.now = START + (second + 1) * SECOND
        hand.timer()
        found.append(hand.stepper.snapshot()["sigma"])
    return found


def test_sigma_is_that_of_the_mids_at_the_ticks():
    found = sigmas(1)
    assert [math.isnan(each) for each in found[:3]] == [True, True, False]
    assert found[-1] == pytest.approx(deviation([MID + offset for offset in MIDS]), rel=1e-12)


@pytest.mark.parametrize("messages", [2, 7, 40])
@pytest.mark.parametrize("noise", [(), (5_000, -20_000, 40)])
def test_sigma_does_not_depend_on_how_many_updates_come_between_ticks(messages, noise):
    assert sigmas(messages, noise)[2:] == sigmas(1)[2:]


def test_ticks_are_multiples_of_the_interval_since_the_epoch():
    hand = clocked_hand(interval_s=0.3)
    market(hand, MID, 0.05, fresh=True)
    tick = core_of(hand)["next_sample_ns"]
    assert tick % 300_000_000 == 0
    assert 0 < tick - hand.now <= 300_000_000
    hand.now = tick - 1
    hand.timer()
    assert core_of(hand)["samples"] == 0
    hand.now = tick
    hand.timer()
    assert core_of(hand)["samples"] == 1
    assert core_of(hand)["next_sample_ns"] == tick + 300_000_000


def test_tick_sees_what_was_accepted_before_it_and_not_the_update_that_comes_with_it():
    hand = clocked_hand(min_samples=2)
    market(hand, MID, 0.5, fresh=True)
    for _ in range(3):
        market(hand, MID + 60_000, 0.5)
        hand.now = core_of(hand)["next_sample_ns"]
        market(hand, MID, 0.0)  # at the tick itself: it belongs to the next one
    state = hand.stepper._state.volatility[0]
    assert state["previous_mid"] == MID + 60_000


def test_trade_moves_the_clock_as_any_event_does():
    hand = clocked_hand()
    market(hand, MID, 0.5, fresh=True)
    hand.feed(TRADE, 3.0, side=BUY, price_ticks=MID, qty_lots=1)
    assert core_of(hand)["samples"] == 3


def test_panic_that_a_trade_brings_to_light_cancels_with_the_trade():
    hand = clocked_hand(panic_threshold=0.001)
    hand.ack_all(hand.book(MID - 1, MID + 1, 0.5, fresh=True))
    market(hand, MID, 1.0)
    market(hand, MID, 1.0)
    market(hand, MID + 60_000, 0.5)
    assert hand.feed(TRADE, 0.1, side=BUY, price_ticks=MID, qty_lots=1) == []
    assert not hand.stepper.decided
    cancels = hand.feed(TRADE, 1.0, side=BUY, price_ticks=MID, qty_lots=1)
    assert {int(action["kind"]) for action in cancels} == {CANCEL}
    assert hand.stepper.decision["reasons"] & R_PANIC


def test_update_after_a_silence_is_not_taken_though_its_timer_is_late():
    hand = clocked_hand(stale_after_seconds=2.0)
    hand.ack_all(hand.book(MID - 1, MID + 1, 0.5, fresh=True))
    cancels = hand.book(MID - 1, MID + 1, 2.001)
    assert {int(action["kind"]) for action in cancels} == {CANCEL}
    assert hand.stepper.decision["reasons"] & R_STALE
    assert hand.stepper.needs_snapshot


def test_gap_stops_the_clock_and_no_difference_is_taken_across_it():
    hand = clocked_hand()
    market(hand, MID, 0.5, fresh=True)
    hand.timer(3.0)
    assert core_of(hand)["samples"] == 3
    hand.feed(GAP)
    hand.timer(10.0)
    assert core_of(hand)["samples"] == 3
    assert core_of(hand)["next_sample_ns"] == 0
    market(hand, MID + 60_000, 0.5, fresh=True)
    hand.timer(3.0)
    assert core_of(hand)["samples"] == 6
    assert hand.stepper.snapshot()["sigma"] == 0.0


def test_silence_that_makes_the_book_stale_stops_the_clock_too():
    hand = clocked_hand(stale_after_seconds=2.0)
    market(hand, MID, 0.5, fresh=True)
    hand.timer(2.0)
    assert core_of(hand)["samples"] == 2
    hand.timer(10.0)
    assert core_of(hand)["samples"] == 2


def test_long_silence_is_made_up_for_tick_by_tick():
    hand = clocked_hand()
    market(hand, MID, 0.5, fresh=True)
    market(hand, MID + 60_000, 3_600.0)
    assert core_of(hand)["samples"] == 3_600
    assert hand.stepper.snapshot()["sigma"] == 0.0
    hand.timer(1.0)
    assert hand.stepper.snapshot()["sigma"] == pytest.approx(0.01 / math.sqrt(60), rel=1e-12)  # one of 60 moves


def after_silence(timers):
    """Return (samples, sigma) after a silence beyond the clock's reach with timers so many seconds into it."""
    hand = clocked_hand(interval_s=0.001)
    market(hand, MID, 0.5, fresh=True)
    book_ns = hand.now
    for after_s in timers:
        hand.now = book_ns + round(after_s * SECOND)
        hand.timer()
    hand.now = book_ns + CLOCK_REACH * 1_000_000 + SECOND
    market(hand, MID + 60_000, 0.0)
    assert core_of(hand)["samples"] == CLOCK_REACH
    assert core_of(hand)["next_sample_ns"] == hand.now + 1_000_000
    for offset in (60_000, 60_000, 60_000):
        market(hand, MID + offset, 0.001)
    assert hand.stepper.snapshot()["sigma"] == 0.0  # no difference is taken across
    for offset in (60_600, 60_300, 60_300):
        market(hand, MID + offset, 0.001)
    return int(core_of(hand)["samples"]), hand.stepper.snapshot()["sigma"]


def test_silence_beyond_the_clocks_reach_is_the_same_gap_whatever_timers_come_in_it():
    samples, sigma = after_silence(timers=())
    assert samples == CLOCK_REACH + 6
    assert sigma > 0.0
    assert after_silence(timers=(0.3, 99.0, CLOCK_REACH * 0.001, 100.2, 100.9)) == (samples, sigma)


def test_without_a_clock_every_accepted_update_is_a_sample_and_nothing_else():
    hand = clocked_hand(interval_s=0.0)
    market(hand, MID, 0.1, fresh=True)
    market(hand, MID, 0.1)
    market(hand, MID, 0.01)
    hand.timer(2.0)
    assert core_of(hand)["samples"] == 2


def test_swap_that_ends_the_clock_stops_it_and_samples_updates_again():
    hand = clocked_hand()
    market(hand, MID, 0.5, fresh=True)
    hand.stepper.swap(parameter_set(risk={"stale_after_seconds": None}), 2)
    hand.timer(5.0)
    assert core_of(hand)["next_sample_ns"] == 0
    market(hand, MID, 0.1)
    assert core_of(hand)["samples"] == 1
