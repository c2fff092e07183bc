import numpy as np
import pytest

from analytics.gates.stress import mean_spread_bps, slower, stressed, widest
from analytics.gates.thresholds import GateSettings
from analytics.study.folds import Window
from strategy.replay.driver import ReplayConfig
from strategy.replay.latency import drawn
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.unit.tape_samples import MID, TapeMaker

CONFIG = ReplayConfig(entry_latency_ns=2_000_000, response_latency_ns=3_000_000, queue_model="power")


def test_both_lines_are_slower_constants_and_draws_alike():
    found = slower(CONFIG, 3.0)
    assert (found.entry_latency_ns, found.response_latency_ns) == (6_000_000, 9_000_000)
    lines = drawn([(1_000, 2_000), (5_000, 7_000)], seed=1, count=64)
    tripled = slower(ReplayConfig(latencies=lines), 3.0).latencies
    np.testing.assert_array_equal(tripled.entry_ns, lines.entry_ns * 3)
    np.testing.assert_array_equal(tripled.response_ns, lines.response_ns * 3)


def test_each_worse_world_differs_in_one_thing():
    found = stressed(CONFIG, GateSettings(stress_fee_bps=2.0))
    assert found["queue"] == ReplayConfig(entry_latency_ns=2_000_000, response_latency_ns=3_000_000)
    assert (found["fee"].maker_fee_bps, found["fee"].taker_fee_bps) == (2.0, 2.0)
    assert found["fee"].entry_latency_ns == found["queue"].entry_latency_ns == CONFIG.entry_latency_ns
    dear = stressed(ReplayConfig(maker_fee_bps=5.0), GateSettings(stress_fee_bps=2.0))
    assert dear["fee"].maker_fee_bps == 5.0


def test_the_mean_spread_is_over_time_and_leaves_out_what_is_unknown():
    tape = TapeMaker().market(0, MID, fresh=True).market(1_000, MID).market(4_000, MID).tape()
    everything = Window(int(tape.update_local[0]), int(tape.update_local[-1]))
    assert mean_spread_bps(tape, everything) == pytest.approx(1e4 * 2 / MID)
    bid, ask = tape.bid_ticks.copy(), tape.ask_ticks.copy()
    bid[1], ask[1] = MID - 3, MID + 3  # three of four seconds
    bid[0] = 0
    wide = tape._replace(bid_ticks=bid, ask_ticks=ask)
    local = tape.update_local
    assert mean_spread_bps(wide, Window(int(local[0]), int(local[2]))) == pytest.approx(1e4 * 6 / MID)
    bid[0] = MID - 1
    half = Window(int(local[0]), int(local[1]) + 1_000_000_000)
    assert mean_spread_bps(wide._replace(bid_ticks=bid), half) == pytest.approx(1e4 * 4 / MID)


def test_the_widest_stretch_is_found_and_a_short_tape_has_none():
    tape, _ = synthetic_tape(SyntheticMarket(updates=1_200, seed=3))  # two minutes
    middle = slice(600, 900)
    bid = tape.bid_ticks.copy()
    bid[middle] -= 500
    found = widest(tape._replace(bid_ticks=bid), 30 / 3600)
    start = int(tape.update_local[0])
    assert found == Window(start + 60_000_000_000, start + 90_000_000_000)
    assert widest(tape, 1.0) is None


def test_no_stretch_crosses_a_gap():
    tape, _ = synthetic_tape(SyntheticMarket(updates=1_200, seed=3))
    hole = int(tape.update_local[400])
    fresh = tape.fresh.copy()
    fresh[450] = 1
    gapped = tape._replace(fresh=fresh, gap_local=np.array([hole]), gap_exch=np.array([int(tape.update_exch[400])]))
    bid = tape.bid_ticks.copy()
    bid[380:470] -= 500
    found = widest(gapped._replace(bid_ticks=bid), 20 / 3600)
    assert found is not None
    assert found.end_ns <= hole or found.start_ns >= int(tape.update_local[450])
