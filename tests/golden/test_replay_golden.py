"""One seeded tape, three parameter sets: the decisions' hash and ten statistics. A change needs its reason."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from strategy.policies.stepper import Stepper
from strategy.replay.driver import ReplayConfig, instrument_of, replay
from strategy.replay.sigma import sigma_series
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.unit.kernel_samples import parameter_set

GOLDEN = Path(__file__).with_name("replay.json")
QUICK = {"executor_refresh_time": 3.0, "cooldown_time": 1.0}
NARROW = {"spread_low": 2.0, "spread_medium": 4.0, "spread_high": 9.0}
REGIMES = NARROW | {"low_threshold": 2e-5, "medium_threshold": 4e-5, "high_threshold": 6e-5}
DOLLARS = {"low_threshold": 1.0, "medium_threshold": 3.0, "high_threshold": 6.0}
CURVE = {"policy": "linear", "spread_curve_points": [[1e-5, 1.5], [4e-5, 3.0], [8e-5, 9.0]]}
SETS = {
    "buy_only": parameter_set("buy_only", quoting=QUICK, regimes=REGIMES),
    "skewed": parameter_set("skewed", CURVE, quoting=QUICK, regimes=REGIMES),
    "neutral": parameter_set(
        quoting=QUICK, regimes=NARROW | DOLLARS, volatility={"policy": "rolling_std", "vol_mode": "absolute"}
    ),
}
MARKET = SyntheticMarket(seed=42, updates=600)
CONFIG = ReplayConfig(base=0.002, quote=10_000, maker_fee_bps=1.0, record_decisions=True, record_events=True)


def table_hash(table):
    """Return the SHA-256 over all fields of all rows, without the records' padding."""
    digest = hashlib.sha256()
    for name in table.dtype.names:
        digest.update(np.ascontiguousarray(table[name]).tobytes())
    return digest.hexdigest()


def statistics(result):
    """Return the hash and ten numbers that say what a replay did."""
    equity = result.end_quote_atoms + result.end_base_lots * result.end_mid_ticks
    return {
        "decisions_sha256": table_hash(result.decisions),
        "decisions": len(result.decisions),
        "orders": len(result.orders),
        "fills": len(result.fills),
        "filled_lots": int(result.fills["qty_lots"].sum()),
        "cancelled": int((result.orders["outcome"] == 2).sum()),
        "timers": result.counters["timers"],
        "end_base_lots": result.end_base_lots,
        "end_quote_atoms": result.end_quote_atoms,
        "equity": equity,
        "fees": float(result.fills["fee_quote_atoms"].sum()),
    }


def replayed(name):
    """Replay one of the sets."""
    return replay(*synthetic_tape(MARKET), SETS[name], CONFIG)


@pytest.mark.parametrize("name", SETS)
def test_golden_tape_gives_the_recorded_decisions(name):
    assert statistics(replayed(name)) == json.loads(GOLDEN.read_text())[name]


def test_same_arguments_give_the_same_bytes():
    one, two = replayed("skewed"), replayed("skewed")
    for table in ("fills", "orders", "samples", "decisions", "events"):
        assert table_hash(getattr(one, table)) == table_hash(getattr(two, table))


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


def test_account_is_the_sum_of_the_fills():
    result = replayed("skewed")
    fills = result.fills
    assert result.end_base_lots == result.start_base_lots + (fills["side"] * fills["qty_lots"]).sum()
    paid = (fills["side"] * fills["qty_lots"] * fills["price_ticks"] + fills["fee_quote_atoms"]).sum()
    assert result.end_quote_atoms == pytest.approx(result.start_quote_atoms - paid, rel=1e-15)


def test_scaling_every_price_scales_the_result():
    parameters = parameter_set("neutral", quoting=QUICK | {"spread_floor_bps": 0.0}, regimes=REGIMES)
    free = {"base": 0.01, "quote": 1e9}
    one, ten = (
        replay(*synthetic_tape(SyntheticMarket(seed=8, updates=1_500, scale=scale)), parameters, ReplayConfig(**free))
        for scale in (1, 10)
    )
    # A finer tick rounds less, so prices agree within one coarse tick and fills one by one.
    assert len(one.fills) == len(ten.fills) > 10
    assert one.fills["qty_lots"].tolist() == ten.fills["qty_lots"].tolist()
    np.testing.assert_allclose(ten.fills["price_ticks"] / 10, one.fills["price_ticks"], atol=1)
    paid_one, paid_ten = ((r.start_quote_atoms - r.end_quote_atoms) for r in (one, ten))
    assert paid_ten == pytest.approx(10 * paid_one, abs=10.0 * int(one.fills["qty_lots"].sum()))


def test_sigma_series_is_what_the_decisions_saw():
    tape, info = synthetic_tape(MARKET)
    ts, mid, sigma = sigma_series(tape, info, SETS["skewed"])
    decisions = replayed("skewed").decisions
    at = np.searchsorted(ts, decisions["local_ts"], side="right") - 1
    np.testing.assert_array_equal(sigma[at], decisions["sigma"])
    np.testing.assert_array_equal(mid[at], decisions["mid_ticks"])
    assert np.isfinite(sigma).sum() == len(ts) - 10


def test_plain_python_gives_identical_numbers():
    script = "from tests.golden.test_replay_golden import *; print(json.dumps(statistics(replayed('buy_only'))))"
    root = Path(__file__).resolve().parents[2]
    env = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", script], cwd=root, env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(GOLDEN.read_text())["buy_only"]
