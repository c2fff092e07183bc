import math

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.kernel.jit import jit
from strategy.policies.volatility.rolling_std import RECORD, STATE, volatility_update
from tests.unit.kernel_samples import MS, SECOND, START, records

TICK = 0.01


def oracle(mids, times, window_ns, min_samples, absolute, fresh):
    """Compute every sigma with two passes over its own window."""
    diffs, out = [], []
    for i, now in enumerate(times):
        if i > 0 and not fresh[i]:
            change = mids[i] - mids[i - 1]
            diffs.append((now, change * TICK if absolute else change / mids[i - 1]))
        inside = [r for t, r in diffs if now - window_ns < t <= now]
        out.append(np.std(inside, ddof=1) if len(inside) >= min_samples else math.nan)
    return np.array(out)


def engine(mids, times, window_ns, min_samples=2, absolute=False, fresh=None, capacity=4096):
    """Run the engine over all mids; return the sigmas and its state."""
    params = records(RECORD, window_ns=window_ns, min_samples=min_samples, absolute=absolute)
    state, ring = records(STATE), np.zeros((capacity, 2))
    fresh = fresh if fresh is not None else [False] * len(mids)
    steps = zip(mids, times, fresh, strict=True)
    return np.array([volatility_update(state, params, ring, float(m), TICK, t, new) for m, t, new in steps]), state


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from([1, 30, 5_000]),
    window_ms=st.integers(1, 3_000),
    absolute=st.booleans(),
    min_samples=st.integers(2, 12),
)
def test_sigma_equals_the_two_pass_deviation_of_its_window(seed, size, window_ms, absolute, min_samples):
    rng = np.random.default_rng(seed)
    mids = 1e6 + np.cumsum(rng.integers(-size, size + 1, 150)) / 2
    times = (START + np.cumsum(rng.integers(0, 200, 150)) * MS).tolist()
    fresh = (rng.random(150) < 0.03).tolist()
    got, _ = engine(mids, times, window_ms * MS, min_samples, absolute, fresh)
    want = oracle(mids.tolist(), times, window_ms * MS, min_samples, absolute, fresh)
    assert np.array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-18, equal_nan=True)
    assert not (got < 0).any()


def test_window_is_open_at_its_old_end():
    mids, times = [100.0, 110.0, 100.0, 130.0], [START + i * SECOND for i in range(4)]
    got, _ = engine(mids, times, 2 * SECOND, absolute=True)
    assert got[3] == pytest.approx(np.std([-0.1, 0.3], ddof=1))


def test_strong_drift_with_little_noise_loses_no_digits():
    rng = np.random.default_rng(5)
    mids = 1e9 + np.cumsum(1e6 + rng.integers(-1, 2, 3_000))
    times = (START + np.arange(3_000) * MS).tolist()
    got, _ = engine(mids, times, 1_000 * MS, absolute=True)
    assert got[-1] == pytest.approx(np.std(np.diff(mids)[-1_000:] - 1e6, ddof=1) * TICK, rel=1e-9)


def test_window_of_zeros_after_a_jump_is_exactly_zero():
    mids = [1e6, 1.1e6, 1e6] + [1e6] * 50
    got, _ = engine(mids, [START + i * SECOND for i in range(len(mids))], 10 * SECOND)
    assert got[-1] == 0.0


def test_full_ring_drops_the_oldest_and_counts_it():
    mids = [1e6 + i * i for i in range(20)]
    got, state = engine(mids, [START + i * MS for i in range(20)], SECOND, absolute=True, capacity=8)
    assert state["overflow"] == 11
    assert got[-1] == pytest.approx(np.std(np.diff(mids)[-8:], ddof=1) * TICK)


@jit
def walk_along(state, params, ring, mids, tick_size, start, step):
    """Return the last sigma and how many of the known ones were negative."""
    sigma, negative = 0.0, 0
    for i in range(len(mids)):
        sigma = volatility_update(state, params, ring, mids[i], tick_size, start + i * step, False)
        if sigma < 0.0:
            negative += 1
    return sigma, negative


def reflected(moves, low, high):
    """Return a walk in half ticks (N,) that turns round at both ends."""
    span = high - low
    return low + np.abs((np.cumsum(moves) / 2 + span) % (2 * span) - span)


def two_pass(differences):
    """Return the sample standard deviation, its sums without any rounding."""
    mean = math.fsum(differences) / len(differences)
    return math.sqrt(math.fsum((r - mean) ** 2 for r in differences) / (len(differences) - 1))


# Interpreted, ten million updates would take minutes: there the same numbers are checked over a shorter past.
UPDATES = 20_000 if numba.config.DISABLE_JIT else 10_000_000


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.slow
@pytest.mark.parametrize(
    ("tick_size", "low", "high"),
    [
        (1e-2, 9_000_000, 11_000_000),  # around 1e5, in cents
        (1e-9, 500, 2_000),  # around 1e-6, coarse: one tick is a thousandth
        (1e-12, 500_000, 2_000_000),  # around 1e-6, fine
    ],
)
def test_ten_million_updates_do_not_drift(absolute, tick_size, low, high):
    rng = np.random.default_rng(11)
    inside, calm = 600, UPDATES // 200
    moves = rng.integers(-300, 301, UPDATES) * np.where(rng.random(UPDATES) < 1e-4, 1_000, 1)
    moves[-calm:] = rng.integers(-1, 2, calm)  # a calm end after a wild past: the old sums must be gone
    mids = reflected(moves, low, high)
    params = records(RECORD, window_ns=inside * 100 * MS, min_samples=2, absolute=absolute)
    got, negative = walk_along(records(STATE), params, np.zeros((1024, 2)), mids, tick_size, START, 100 * MS)
    last = mids[-inside - 1 :]
    differences = np.diff(last) * tick_size if absolute else np.diff(last) / last[:-1]
    assert got == pytest.approx(two_pass(differences), rel=1e-9, abs=0)
    assert negative == 0
