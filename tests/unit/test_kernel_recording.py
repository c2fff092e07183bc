"""Decisions that nobody reads are counted, not filled in, and nothing else depends on that."""

from dataclasses import replace

import pytest

from strategy.kernel.records import R_COLLAR, R_HOLDINGS
from strategy.replay.driver import replay
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.golden.golden_sets import CONFIG, SETS, table_hash
from tests.unit.kernel_samples import SECOND, Hand, parameter_set, placed

MID = 6_000_000
ONE = {"buy_spreads": [1], "sell_spreads": [1]}


@pytest.mark.parametrize("name", SETS)
def test_replay_does_the_same_whether_its_decisions_are_recorded_or_not(name):
    tape, info = synthetic_tape(SyntheticMarket(seed=3, updates=300, trades_per_step=6.0))
    written, counted = (
        replay(tape, info, SETS[name], replace(CONFIG, record_decisions=each)) for each in (True, False)
    )
    assert len(written.fills) > 2
    assert len(written.decisions) == written.counters["decisions"] > 20
    assert len(counted.decisions) == 0
    assert counted.counters == written.counters
    for table in ("orders", "fills", "samples", "events"):
        assert table_hash(getattr(counted, table)) == table_hash(getattr(written, table))


def test_reasons_of_a_level_are_those_of_a_slot_that_is_free():
    hand = Hand(parameter_set(quoting=ONE, risk={"stale_after_seconds": None}), base_lots=100.0)
    hand.ack_all(hand.book(MID - 1, MID + 1, fresh=True))
    hand.book(MID - 1, MID + 1)
    assert hand.stepper.decision["reasons"] & (R_HOLDINGS | R_COLLAR) == 0
    ask = hand.stepper.snapshot()["open"][1]
    assert ask["leaves_lots"] == 100
    hand.stepper._state.core["base_lots"] = 150.0  # the open ask keeps its size, and is not short of anything
    hand.timer(1.0)
    assert not hand.stepper.decided


def test_counter_says_in_how_many_decisions_a_reason_stood():
    quoting = ONE | {"executor_refresh_time": 5.0}
    hand = Hand(parameter_set(quoting=quoting, risk={"stale_after_seconds": None}), base_lots=0.0)
    assert len(placed(hand.book(MID - 1, MID + 1, fresh=True))) == 1
    core = hand.stepper._state.core[0]
    assert (core["decisions"], core["holdings"]) == (1, 1)
    for _ in range(4):
        hand.book(MID - 1, MID + 1, 0.2)
        assert not hand.stepper.decided
    assert (core["decisions"], core["holdings"]) == (1, 1)
    hand.ack(1)
    hand.timer(5.0)
    assert hand.stepper.decided
    assert (core["decisions"], core["holdings"]) == (2, 2)


def test_wake_without_the_silence_guard_stands_beside_the_one_with_it():
    hand = Hand(parameter_set(quoting=ONE | {"executor_refresh_time": 15.0}, risk={"stale_after_seconds": 5.0}))
    hand.ack_all(hand.book(MID - 1, MID + 1, fresh=True))
    core = hand.stepper._state.core[0]
    assert core["next_due_ns"] == hand.now + 15 * SECOND
    assert core["next_wake_ns"] == hand.now + 5 * SECOND
