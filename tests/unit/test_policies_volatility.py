"""The volatility engines but the default one, against oracles that compute every sigma from scratch."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.errors import BadParameters
from strategy.policies.parameters import parse_parameters
from strategy.policies.registry import policy
from tests.unit.kernel_samples import MS, SECOND, records

MINUTE = 60 * SECOND
OPEN = 1_700_000_040 * SECOND  # a whole minute
seeds = st.integers(0, 2**32 - 1)


def engine(name, mids, times, fresh=None, **fields):
    """Run an engine over all mids; return the sigmas."""
    chosen = policy("volatility", name)
    params, state, ring = records(chosen.record), records(chosen.state), np.zeros((256, 2))
    chosen.pack(chosen.parameters(**fields), params)
    update = chosen.functions["volatility_update"]
    steps = zip(mids, times, fresh or [False] * len(mids), strict=True)
    return np.array([update(state, params, ring, float(m), 0.01, t, new) for m, t, new in steps])


def stream(seed, count, most_ms, gaps=0.0, size=2_000):
    """Return mids (ticks), times (ns) and which mids come first after a gap."""
    rng = np.random.default_rng(seed)
    mids = 6e6 + np.cumsum(rng.integers(-size, size + 1, count)) / 2
    times = OPEN + np.cumsum(rng.integers(0, most_ms + 1, count)) * MS
    fresh = rng.random(count) < gaps
    fresh[0] = True
    return mids.tolist(), times.tolist(), fresh.tolist()


def between_gaps(mids, times, fresh):
    """Yield (mids, times) of each stretch without a gap."""
    cuts = [i for i, new in enumerate(fresh) if new and i > 0]
    yield from zip(np.split(mids, cuts), np.split(times, cuts), strict=True)


def bar_returns(mids, times, bar_ns):
    """Return the returns of the complete bars of one stretch: not its first bar, nor its last."""
    closes = {int(t) // bar_ns: m for m, t in zip(mids, times, strict=True)}
    complete, close = [], math.nan
    for bar in range(min(closes), max(closes)):
        close = closes.get(bar, close)
        complete.append(close)
    return np.diff(complete) / complete[:-1] if len(complete) > 1 else np.zeros(0)


def bar_oracle(mids, times, fresh, bar_ns, periods):
    """Compute sigma at every mid from the raw stream."""
    out = []
    for end in range(1, len(mids) + 1):
        parts = between_gaps(mids[:end], times[:end], fresh[:end])
        returns = np.concatenate([bar_returns(m, t, bar_ns) for m, t in parts])
        out.append(np.std(returns[-periods:], ddof=1) if len(returns) >= periods else math.nan)
    return np.array(out)


@settings(deadline=None, max_examples=40)
@given(seed=seeds, most_ms=st.sampled_from([300, 1_500, 6_000]), periods=st.integers(2, 8))
def test_bar_std_is_the_deviation_of_the_last_complete_bars(seed, most_ms, periods):
    mids, times, fresh = stream(seed, 120, most_ms, gaps=0.03)
    got = engine("bar_std", mids, times, fresh, bar_seconds=2, bar_periods=periods)
    want = bar_oracle(mids, times, fresh, 2 * SECOND, periods)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-18, equal_nan=True)


def test_bar_std_by_default_spans_twenty_minutes_of_closes():
    mids = [6e6 * (1 + 0.001 * (-1) ** i) for i in range(23)]
    times = [OPEN + i * MINUTE + 59 * SECOND for i in range(23)]
    got = engine("bar_std", mids, times)
    closes = np.array(mids)
    assert np.isnan(got[:21]).all()
    assert got[21] == pytest.approx(np.std(np.diff(closes[:21]) / closes[:20], ddof=1), rel=1e-12)
    assert got[22] == pytest.approx(np.std(np.diff(closes[1:22]) / closes[1:21], ddof=1), rel=1e-12)


def test_bar_std_changes_only_when_a_bar_completes():
    times = [OPEN + s * SECOND for s in (0, 60, 120, 130, 179, 180)]
    got = engine("bar_std", [100, 101, 103, 190, 104, 104], times, bar_periods=2)
    assert np.isnan(got[:5]).all()
    assert got[5] == pytest.approx(np.std([0.01, 3 / 101], ddof=1))  # the 190 inside the bar is nobody's close


def test_bar_std_carries_the_close_through_empty_bars():
    times = [OPEN + s * SECOND for s in (0, 60, 300)]
    got = engine("bar_std", [100, 110, 120], times, bar_periods=4)
    assert got[-1] == pytest.approx(np.std([0.1, 0, 0, 0], ddof=1))  # and 120 waits for its bar's end


def test_bar_std_takes_no_return_across_a_gap():
    times = [OPEN + s * SECOND for s in (0, 60, 120, 600, 660, 720)]
    fresh = [True, False, False, True, False, False]
    got = engine("bar_std", [100, 101, 500, 900, 909, 909], times, fresh, bar_periods=2)
    assert got[-1] == pytest.approx(np.std([0.01, 0.01], ddof=1), abs=1e-15)


def test_bar_std_gap_within_one_bar_costs_the_return_into_it():
    times = [OPEN + s * SECOND for s in (0, 60, 120, 130, 180, 240)]
    fresh = [True, False, False, True, False, False]
    got = engine("bar_std", [100, 101, 150, 200, 202, 202], times, fresh, bar_periods=2)
    assert got[-1] == pytest.approx(np.std([0.01, 0.01], ddof=1), abs=1e-15)


def test_bar_std_samples_span_a_bar_whatever_the_clock():
    assert policy("volatility", "bar_std").parameters(bar_seconds=5, vol_sampling_interval=1).sample_seconds() == 5
    with pytest.raises(BadParameters, match=r"vol_sampling_interval was 10\.0, at most bar_seconds 5"):
        parse_parameters({"volatility": {"policy": "bar_std", "bar_seconds": 5, "vol_sampling_interval": 10}})


def differences(mids, times, fresh):
    """Return (r, dt in s) of every pair of neighbours that no gap divides, and how many there are up to each mid."""
    pairs = [
        ((mids[i] - mids[i - 1]) / mids[i - 1], (times[i] - times[i - 1]) / SECOND)
        for i in range(1, len(mids))
        if not fresh[i]
    ]
    counts = np.cumsum([i > 0 and not fresh[i] for i in range(len(mids))])
    r, dt = np.array(pairs).T
    return r, dt, counts


@settings(deadline=None, max_examples=60)
@given(seed=seeds, half_life=st.floats(0.05, 60), least=st.integers(1, 40), most_ms=st.sampled_from([0, 40, 3_000]))
def test_ewma_weighs_every_difference_by_its_age(seed, half_life, least, most_ms):
    mids, times, fresh = stream(seed, 150, most_ms, gaps=0.03)
    got = engine("ewma", mids, times, fresh, half_life_seconds=half_life, min_samples=least)
    r, dt, counts = differences(mids, times, fresh)
    for sigma, n in zip(got, counts, strict=True):
        if n < least:
            assert math.isnan(sigma)
            continue
        age = np.cumsum(dt[:n][::-1])[::-1] - dt[:n]  # from the difference to now
        weights = 2.0 ** (-age / half_life) * -np.expm1(-math.log(2) * dt[:n] / half_life)
        start = np.mean(r[:least] ** 2) * 2.0 ** (-dt[least:n].sum() / half_life)
        want = start + np.sum((weights * r[:n] ** 2)[least:])
        assert sigma**2 == pytest.approx(want, rel=1e-9, abs=1e-30)


def test_ewma_difference_counts_half_after_a_half_life():
    mids = [100.0, 101.0, 101.0, 101.0]
    got = engine("ewma", mids, [OPEN + i * 10 * SECOND for i in range(4)], half_life_seconds=10, min_samples=1)
    assert got[1] == pytest.approx(0.01)
    assert got[3] ** 2 == pytest.approx(0.0001 / 4)


@settings(deadline=None, max_examples=60)
@given(
    seed=seeds,
    omega=st.floats(1e-14, 1e-6),
    alpha=st.floats(0, 0.5),
    beta=st.floats(0, 0.499),
    least=st.integers(1, 30),
)
def test_garch_forecast_is_its_recursion_written_out(seed, omega, alpha, beta, least):
    mids, times, fresh = stream(seed, 80, 500, gaps=0.03)
    fields = {"omega": omega, "alpha": alpha, "beta": beta, "min_samples": least}
    got = engine("garch", mids, times, fresh, **fields)
    r, _, counts = differences(mids, times, fresh)
    for sigma, n in zip(got, counts, strict=True):
        if n < least:
            assert math.isnan(sigma)
            continue
        powers = beta ** np.arange(n)
        want = np.sum(powers * (omega + alpha * r[:n][::-1] ** 2)) + beta**n * omega / (1 - alpha - beta)
        assert sigma**2 == pytest.approx(want, rel=1e-9)


def test_garch_at_rest_falls_from_the_long_run_to_the_floor_of_its_recursion():
    fields = {"omega": 1e-10, "alpha": 0.1, "beta": 0.8, "min_samples": 1}
    got = engine("garch", [100.0] * 200, [OPEN + i * SECOND for i in range(200)], **fields)
    assert got[1] ** 2 == pytest.approx(1e-10 + 0.8 * 1e-9)  # one step down from 1e-10 / 0.1
    assert got[-1] ** 2 == pytest.approx(1e-10 / 0.2)


def test_garch_without_a_long_run_is_refused():
    with pytest.raises(BadParameters, match=r"alpha \+ beta was 1\.05, it must be under 1"):
        parse_parameters({"volatility": {"policy": "garch", "alpha": 0.15, "beta": 0.9}})


@pytest.mark.parametrize("name", ["bar_std", "ewma", "garch"])
def test_sigma_is_unknown_at_first_and_never_negative(name):
    mids, times, fresh = stream(8, 3_000, 20_000, gaps=0.002, size=200_000)
    got = engine(name, mids, times, fresh)
    known = np.flatnonzero(~np.isnan(got))
    assert known[0] >= 20
    assert len(known) == len(got) - known[0]
    assert (got[known] >= 0).all()


@pytest.mark.parametrize(("name", "still"), [("bar_std", 0.0), ("ewma", 0.0)])
def test_sigma_of_a_market_that_stands_still_is_zero(name, still):
    got = engine(name, [6e6] * 60, [OPEN + i * MINUTE for i in range(60)])
    assert got[-1] == still


@pytest.mark.parametrize(("name", "seconds"), [("rolling_std", 0.5), ("ewma", 0.5), ("garch", 0.5), ("bar_std", 60)])
def test_engines_say_what_time_a_sample_spans(name, seconds):
    model = policy("volatility", name).parameters
    assert model(vol_sampling_interval=0.5).sample_seconds() == seconds
    assert model().sample_seconds() == (60 if name == "bar_std" else None)


@pytest.mark.parametrize("name", ["rolling_std", "ewma", "garch", "bar_std"])
def test_only_the_absolute_mode_is_in_quote_units(name):
    assert not policy("volatility", name).parameters().absolute()
    assert policy("volatility", "rolling_std").parameters(vol_mode="absolute").absolute()
