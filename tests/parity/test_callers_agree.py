"""One meaning, several callers: the driver, the live stepper, the sigma series and plain Python agree exactly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from strategy.policies.stepper import Stepper
from strategy.replay.driver import instrument_of
from strategy.replay.sigma import sigma_series
from strategy.replay.synthetic import synthetic_tape
from tests.golden.golden_sets import GOLDEN, MARKET, SETS, replayed, table_hash


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


def test_plain_python_gives_identical_numbers():
    script = "import json; from tests.golden.golden_sets import *; print(json.dumps(statistics(replayed('buy_only'))))"
    root = Path(__file__).resolve().parents[2]
    env = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", script], cwd=root, env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(GOLDEN.read_text())["buy_only"]
