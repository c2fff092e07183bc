"""One meaning, several callers: the driver, the live stepper, the sigma series and plain Python agree exactly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from strategy.kernel.records import BUY
from strategy.policies.stepper import Stepper
from strategy.replay.driver import ReplayConfig, instrument_of, replay
from strategy.replay.sigma import sigma_series
from strategy.replay.synthetic import synthetic_info, synthetic_tape
from tests.golden.golden_sets import GOLDEN, MARKET, SETS, replayed, table_hash
from tests.unit.kernel_samples import parameter_set
from tests.unit.tape_samples import MID, TapeMaker


@pytest.mark.parametrize("name", SETS)
def test_stepper_fed_with_the_drivers_events_decides_the_same(name):
    result = replayed(name)
    _, info = synthetic_tape(MARKET)
    stepper = Stepper(SETS[name], instrument_of(info), result.start_base_lots, result.start_quote_atoms, 0)
    decisions, wake = [], 0
    for event in result.events:
        assert wake == 0 or event["local_ts"] <= wake
        stepper.feed(event)
        wake = stepper.next_wake_ns
        if stepper.decided:
            decisions.append(stepper.decision.copy())
    assert table_hash(np.array(decisions)) == table_hash(result.decisions)


def test_sigma_series_is_what_the_decisions_saw():
    tape, info = synthetic_tape(MARKET)
    ts, mid, sigma = sigma_series(tape, info, SETS["skewed"])
    decisions = replayed("skewed").decisions
    at = np.searchsorted(ts, decisions["local_ts"], side="right") - 1
    np.testing.assert_array_equal(sigma[at], decisions["sigma"])
    np.testing.assert_array_equal(mid[at], decisions["mid_ticks"])
    assert np.isfinite(sigma).sum() == len(ts) - 10


def walked():
    """Return a tape with quiet and lively stretches, two silences, a gap in the second one, and crossed books."""
    rng, maker, ms = np.random.default_rng(12), TapeMaker().market(0, MID, fresh=True), 0
    for stretch, pause in ((60, 7_130), (80, 9_000), (120, 300)):
        for _ in range(stretch):
            ms += int(rng.integers(1, 700))
            maker.market(ms, MID + int(rng.integers(-900, 900)))
        ms += pause
        if pause == 9_000:
            maker.gap(ms - 1_000).market(ms - 500, MID).market(ms - 200, MID, fresh=True)
    return maker.update(ms, (BUY, MID + 5_000, 3)).update(ms + 10, (BUY, MID + 5_000, 0)).market(ms + 500, MID)


@pytest.mark.parametrize("interval", [0.0, 0.25])
def test_sigma_series_survives_silences_gaps_and_the_sampling_clock(interval):
    engine = {"policy": "rolling_std", "vol_sampling_interval": interval, "vol_window_seconds": 20.0}
    parameters = parameter_set(volatility=engine)
    tape = walked().tape()
    info = synthetic_info(tape)
    result = replay(tape, info, parameters, ReplayConfig(base=0.01, quote=1_000.0, record_events=True))
    assert (result.counters["stales"], result.counters["gaps"]) == (2, 1)
    stepper, seen = Stepper(parameters, instrument_of(info), 1_000.0, result.start_quote_atoms, 0), []
    for event in result.events:
        before = stepper._state.core[0]["accepted"]
        stepper.feed(event)
        core = stepper._state.core[0]
        if core["accepted"] > before:
            seen.append((float(event["local_ts"]), float(core["mid_ticks"]), float(core["sigma"])))
    series = np.stack(sigma_series(tape, info, parameters), axis=1)
    np.testing.assert_array_equal(series, np.array(seen))
    assert np.isfinite(series[:, 2]).any()


def test_plain_python_gives_identical_numbers_on_every_set():
    script = "; ".join(
        [
            "import json",
            "from tests.golden.golden_sets import *",
            "print(json.dumps({name: statistics(replayed(name)) for name in SETS}))",
        ]
    )
    root = Path(__file__).resolve().parents[2]
    env = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", script], cwd=root, env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(GOLDEN.read_text())
