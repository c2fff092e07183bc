"""Lockout and panic (strategy.md 7): when the volatility says not to quote."""

import math

import pytest

from strategy.kernel.records import (
    BUY,
    HIGH,
    KILL,
    NOT_KILLED,
    PARAMETERS,
    QUIET,
    QUOTED,
    R_KILLED,
    R_LOCKOUT,
    R_PANIC,
    R_REFRESH,
    R_SIDE_DISABLED,
    RISK,
    SELL,
)
from strategy.kernel.risk import watch_panic, watch_sigma
from strategy.kernel.state import CORE
from tests.unit.kernel_samples import SECOND, Hand, cancelled_ids, parameter_set, placed, records

MID = 6_000_000
JUMP = 60_000  # 1 %: sigma of two differences, one of them 0, is 0.01 / sqrt(2)
JUMPED = 0.01 / math.sqrt(2)
TWO = {"policy": "rolling_std", "vol_window_seconds": 0.15, "min_samples": 2}  # of updates 0.1 s apart
ONE = {"buy_spreads": [1], "sell_spreads": [1], "executor_refresh_time": 1.0}


def market(hand, mid, times=1, after_s=0.1, fresh=False):
    """Feed an update around `mid` so many times and return all actions."""
    return [each for _ in range(times) for each in hand.book(mid - 1, mid + 1, after_s, fresh)]


def calm_hand(**risk):
    """Return a hand with an acknowledged bid (id 1) and ask (id 2), placed 0.4 s ago, and a sigma of 0."""
    hand = Hand(parameter_set(quoting=ONE, volatility=TWO, risk={"stale_after_seconds": None} | risk))
    hand.ack_all(market(hand, MID, fresh=True))
    assert market(hand, MID, 4) == []
    assert hand.stepper.snapshot()["sigma"] == 0.0
    return hand


def core_of(hand):
    """Return the core record."""
    return hand.stepper._state.core[0]


def panicking_hand(**risk):
    """Return a hand whose panic has just begun and whose quotes are confirmed gone."""
    hand = calm_hand(panic_threshold=0.005, lockout_seconds=0.0, **risk)
    assert cancelled_ids(market(hand, MID + JUMP)) == [1, 2]
    assert hand.cancelled(1) == hand.cancelled(2) == []
    return hand


def test_entering_high_stops_refreshes_and_placements_and_leaves_quotes_resting():
    hand = calm_hand(lockout_seconds=3.0)
    assert market(hand, MID + JUMP) == []
    assert hand.stepper.snapshot()["sigma"] == pytest.approx(JUMPED)
    assert hand.stepper.decision["regime"] == HIGH
    assert hand.stepper.decision["reasons"] & R_LOCKOUT
    assert market(hand, MID + JUMP, 10) == []
    assert [hand.state_of(i) for i in (1, 2)] == [QUOTED, QUOTED]
    assert hand.cancelled(1) == []
    assert hand.state_of(1) == -1


def test_lockout_ends_by_its_timer_and_what_is_overdue_is_done_then():
    hand = calm_hand(lockout_seconds=3.0)
    market(hand, MID + JUMP)
    end = hand.now + 3 * SECOND
    hand.timer(1.0)
    assert hand.stepper.next_wake_ns == end
    assert hand.timer(1.999) == []
    assert cancelled_ids(hand.timer(0.001)) == [1, 2]
    assert hand.now == end
    assert hand.stepper.decision["reasons"] & (R_REFRESH | R_LOCKOUT) == R_REFRESH
    assert placed(hand.cancelled(2)) == [(SELL, 6_072_120, 100)]  # 20 bps over the new mid: still high


def test_re_entering_high_restarts_the_lockout_and_staying_in_it_does_not():
    hand = calm_hand(lockout_seconds=3.0)
    market(hand, MID + JUMP)
    first = hand.now
    market(hand, MID + 2 * JUMP)
    assert core_of(hand)["regime"] == QUIET  # twice nearly the same difference
    market(hand, MID + 2 * JUMP)
    again = core_of(hand)["lockout_until_ns"]
    assert again == first + 3_200_000_000
    market(hand, MID + 4 * JUMP)
    assert core_of(hand)["regime"] == HIGH
    assert core_of(hand)["lockout_until_ns"] == again
    assert core_of(hand)["lockouts"] == 2


def test_lockout_cancels_resting_quotes_where_asked_and_quotes_again_at_its_end():
    hand = calm_hand(lockout_seconds=3.0, lockout_cancels=True)
    assert cancelled_ids(market(hand, MID + JUMP)) == [1, 2]
    assert hand.cancelled(1) == hand.cancelled(2) == []
    assert hand.timer(2.999) == []
    assert placed(hand.timer(0.001)) == [(BUY, 6_047_880, 100), (SELL, 6_072_120, 100)]


def test_lockout_of_no_seconds_locks_nothing():
    hand = calm_hand(lockout_seconds=0.0)
    assert market(hand, MID + JUMP) == []
    assert not hand.stepper.decision["reasons"] & R_LOCKOUT
    assert cancelled_ids(hand.timer(0.6)) == [1, 2]


def test_panic_cancels_everything_and_quotes_after_the_last_of_its_calm_samples():
    hand = panicking_hand(panic_resume_samples=3)
    assert hand.stepper.decision["reasons"] & R_PANIC
    assert market(hand, MID + JUMP) == []  # the jump is still in the window
    assert core_of(hand)["calm_samples"] == 0
    assert market(hand, MID + JUMP, 2) == []
    assert placed(market(hand, MID + JUMP)) == [(BUY, 6_057_576, 100), (SELL, 6_062_424, 100)]
    assert not hand.stepper.decision["reasons"] & (R_PANIC | R_SIDE_DISABLED)


def test_one_sample_over_the_threshold_starts_the_count_of_calm_ones_anew():
    hand = panicking_hand(panic_resume_samples=3)
    market(hand, MID + JUMP, 3)
    assert core_of(hand)["calm_samples"] == 2
    assert market(hand, MID, 1) == []
    assert market(hand, MID, 3) == []
    assert len(placed(market(hand, MID, 1))) == 2
    assert core_of(hand)["panics"] == 1


def test_timers_and_debounced_updates_are_no_calm_samples():
    hand = panicking_hand(panic_resume_samples=1)
    market(hand, MID + JUMP)
    for _ in range(5):
        assert hand.timer(0.001) == []
        assert market(hand, MID + JUMP, after_s=0.001) == []
    assert len(placed(market(hand, MID + JUMP))) == 2


def samples(risk, *sigmas):
    """Return the core record after these sigmas, one a second from second 1 on."""
    core = records(CORE)
    for second, sigma in enumerate(sigmas, start=1):
        core["sigma"] = sigma
        watch_sigma(core, risk, second * SECOND)
    return core


PANIC = records(RISK, panic_threshold=0.01, panic_resume_samples=2, panic_kill_ns=10 * SECOND)


@pytest.mark.parametrize(
    ("sigmas", "panicking"),
    [
        ((0.01,), 0),
        ((math.nextafter(0.01, 1),), 1),
        ((math.nan,), 0),
        ((0.02, 0.001), 1),
        ((0.02, 0.001, 0.001), 0),
        ((0.02, 0.001, 0.01, 0.001), 1),
        ((0.02, 0.001, math.nan, 0.001), 1),
        ((0.02, 0.01, 0.01, 0.01), 1),
        ((0.02, math.nan, math.nan, math.nan), 1),
        ((0.02, 0.001, 0.02, 0.001), 1),
        ((0.02, 0.001, 0.02, 0.001, 0.001), 0),
    ],
)
def test_sigma_at_the_threshold_or_unknown_neither_begins_nor_ends_a_panic(sigmas, panicking):
    assert samples(PANIC, *sigmas)["panicking"] == panicking


def test_panic_is_counted_from_its_first_sample_and_a_later_one_from_its_own():
    assert samples(PANIC, 0.02, 0.001, 0.03)["panic_ns"] == SECOND
    assert samples(PANIC, 0.02, 0.001, 0.001, 0.03)["panic_ns"] == 4 * SECOND


def test_panic_kills_exactly_when_it_has_lasted_its_seconds():
    core = samples(PANIC, 0.02)
    watch_panic(core, PANIC, 11 * SECOND - 1)
    assert core["kill"] == NOT_KILLED
    watch_panic(core, PANIC, 11 * SECOND)
    assert core["kill"] != NOT_KILLED


def test_long_panic_kills_by_its_timer_and_only_a_person_ends_it():
    hand = panicking_hand(panic_resume_samples=1, panic_kill_seconds=2.0)
    due = hand.now + 2 * SECOND
    assert hand.stepper.next_wake_ns == due
    hand.timer(1.999)
    assert hand.stepper.snapshot()["kill"] == ""
    hand.timer(0.001)
    assert hand.now == due
    assert hand.stepper.snapshot()["kill"] == "panic"
    assert hand.stepper.decision["reasons"] & R_KILLED
    assert hand.stepper.next_wake_ns == 0
    assert market(hand, MID + JUMP, 5) == []
    assert hand.stepper.snapshot()["panicking"] is False
    assert len(placed(hand.feed(KILL, flag=0))) == 2


def test_re_arming_in_a_panic_gives_it_its_seconds_anew():
    hand = panicking_hand(panic_resume_samples=100, panic_kill_seconds=2.0)
    hand.timer(2.0)
    assert hand.feed(KILL, 1.0, flag=0) == []
    assert hand.stepper.snapshot()["kill"] == ""
    assert hand.stepper.next_wake_ns == hand.now + 2 * SECOND
    hand.timer(2.0)
    assert hand.stepper.snapshot()["kill"] == "panic"


def test_panic_ends_in_time_under_parameters_without_a_threshold():
    hand = panicking_hand(panic_resume_samples=3)
    hand.stepper.swap(parameter_set(quoting=ONE, volatility=TWO, risk={"panic_resume_samples": 2}), 2)
    assert hand.feed(PARAMETERS, code=2) == []
    assert market(hand, MID + JUMP) == []
    assert len(placed(market(hand, MID + JUMP))) == 2
