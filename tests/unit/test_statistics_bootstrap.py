import numpy as np
import pytest

from analytics.gates.statistics.bootstrap import block_length, mean_test, resampled_means
from strategy.errors import BadInput

pytestmark = pytest.mark.slow


def autoregressive(rng, n, share, mean=0.0):
    """Return x(t) = share x(t-1) + e(t), moved by a mean."""
    noise = rng.normal(size=n + 200)
    series = np.zeros(n + 200)
    for t in range(1, len(series)):
        series[t] = share * series[t - 1] + noise[t]
    return series[200:] + mean


@pytest.mark.parametrize("share", [0.3, 0.6, -0.5])
def test_the_block_length_is_the_best_one_of_an_autoregression(share):
    """Politis, White 2004: for an AR(1), G / g(0) = 2 rho / (1 - rho^2)."""
    rng = np.random.default_rng(1)
    n = 4_000
    best = (2 * abs(share) / (1 - share**2)) ** (2 / 3) * n ** (1 / 3)
    found = [block_length(autoregressive(rng, n, share)) for _ in range(20)]
    assert np.median(found) == pytest.approx(best, rel=0.25)


def test_an_independent_series_needs_short_blocks():
    rng = np.random.default_rng(2)
    assert np.median([block_length(rng.normal(size=500)) for _ in range(50)]) < 4
    assert block_length(np.full(50, 3.0)) == 1.0


def test_blocks_have_their_mean_length_and_keep_their_order():
    """The variance of the resampled mean is the paper's: autocovariances around a circle, damped by (1 - 1 / L)^k."""
    rng = np.random.default_rng(3)
    series = autoregressive(rng, 200, 0.5)
    length, n = 5.0, 200
    centred = series - series.mean()
    circular = np.array([centred @ np.roll(centred, -lag) / n for lag in range(n)])
    lags = np.arange(1, n)
    expected = (circular[0] + 2 * np.sum((1 - lags / n) * (1 - 1 / length) ** lags * circular[1:])) / n
    found = resampled_means(series, length, 40_000, rng)
    assert found.var() == pytest.approx(expected, rel=0.03)
    assert found.mean() == pytest.approx(series.mean(), abs=4 * np.sqrt(expected / 40_000))


@pytest.mark.parametrize(("share", "least"), [(0.0, 0.84), (0.4, 0.78)])
def test_bounds_hold_the_true_mean_about_as_often_as_they_say(share, least):
    """0.9 in the limit. Of 400 values some dependence stays unseen; taken as independent they would hold 0.71."""
    rng = np.random.default_rng(4)
    found = [mean_test(autoregressive(rng, 400, share, mean=2.0), seed, 400, level=0.9) for seed in range(300)]
    assert least <= np.mean([each.low <= 2.0 <= each.high for each in found]) <= 0.95


def test_no_difference_is_found_about_as_seldom_as_the_p_value_says():
    rng = np.random.default_rng(5)
    found = [mean_test(autoregressive(rng, 300, 0.3), seed, samples=400).p_value <= 0.05 for seed in range(300)]
    assert np.mean(found) <= 0.1


def test_a_clear_difference_is_found_and_the_seed_decides_everything():
    series = np.random.default_rng(6).normal(0.5, 1.0, 200)
    found = mean_test(series, seed=7)
    assert found.p_value < 0.001
    assert 0 < found.low < found.mean < found.high
    assert found == mean_test(series, seed=7)
    assert found != mean_test(series, seed=8)
    assert mean_test(-series, seed=7).p_value > 0.99


def test_no_difference_at_all_is_no_evidence():
    assert mean_test(np.zeros(50), seed=1).p_value == 1.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: mean_test(np.zeros(3), 1),
        lambda: block_length(np.array([1.0, np.nan, 2.0, 3.0])),
        lambda: mean_test(np.zeros(9), 1, level=1.0),
        lambda: resampled_means(np.zeros(9), 0.5, 10, np.random.default_rng(1)),
    ],
)
def test_what_cannot_be_resampled_is_said(call):
    with pytest.raises(BadInput, match=r"cannot be resampled|level|block length"):
        call()
