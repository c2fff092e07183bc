import math

import numpy as np
import pytest

from analytics.gates.statistics.deflated import (
    Moments,
    deflated_sharpe,
    expected_maximum,
    moments_of,
    probabilistic_sharpe,
    variance_without_skill,
)
from strategy.errors import BadInput

DAYS = 250


def test_the_papers_deflated_example():
    """Bailey, López de Prado 2014, "A numerical example": daily returns of 5 years, annualised SR 2.5, V = 1/2."""
    moments = Moments(1250, 2.5 / math.sqrt(DAYS), -3.0, 10.0)
    assert expected_maximum(0.5 / DAYS, 100) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(moments, 0.5 / DAYS, 100) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(moments, 0.5 / DAYS, 46) == pytest.approx(0.9505, abs=5e-5)
    normal = Moments(1250, 2.5 / math.sqrt(DAYS), 0.0, 3.0)
    assert deflated_sharpe(normal, 0.5 / DAYS, 88) == pytest.approx(0.9505, abs=5e-5)


def test_the_papers_probabilistic_example():
    """Bailey, López de Prado 2012: two years of monthly returns, annualised SR 1.59, with and without fat tails."""
    sharpe = 1.585 / math.sqrt(12)
    assert probabilistic_sharpe(Moments(24, sharpe, 0.0, 3.0)) == pytest.approx(0.982, abs=5e-4)
    assert probabilistic_sharpe(Moments(24, sharpe, -2.448, 10.164)) == pytest.approx(0.913, abs=5e-4)


def test_the_expected_maximum_is_that_of_draws():
    draws = np.random.default_rng(1).normal(0.0, 0.3, (20_000, 50)).max(axis=1)
    assert expected_maximum(0.09, 50) == pytest.approx(draws.mean(), rel=0.02)
    assert expected_maximum(0.09, 1) == 0.0


def test_moments_of_a_known_series():
    found = moments_of(np.array([1.0, 3.0, 3.0, 5.0]))
    assert found.sharpe == pytest.approx(3.0 / math.sqrt(8 / 3))
    assert (found.periods, found.skewness, found.kurtosis) == (4, 0.0, 2.0)
    assert moments_of(np.full(5, 0.1)).sharpe == 0.0


def test_the_best_of_many_without_skill_is_seldom_believed_and_a_real_one_is():
    rng = np.random.default_rng(7)
    believed = 0
    for _ in range(200):
        returns = rng.normal(size=(120, 50))
        sharpes = np.array([moments_of(column).sharpe for column in returns.T])
        best = moments_of(returns[:, int(np.argmax(sharpes))])
        believed += deflated_sharpe(best, float(sharpes.var(ddof=1)), 50) >= 0.95
    assert believed <= 4
    assert deflated_sharpe(moments_of(rng.normal(0.6, 1.0, 120)), 1 / 120, 50) > 0.99


def test_trials_spread_by_luck_alone_count_and_by_skill_do_not():
    rng = np.random.default_rng(8)
    luck = np.array([moments_of(column).sharpe for column in rng.normal(size=(100, 400)).T])
    assert variance_without_skill(luck, 100) == pytest.approx(1 / 99, rel=0.15)
    assert variance_without_skill(np.array([-1.0, 0.0, 1.0]), 100) == 1 / 99
    alike = 0.01 * luck
    assert variance_without_skill(alike, 100) == alike.var(ddof=1)
    assert variance_without_skill(luck[:1], 100) == 1 / 99


@pytest.mark.parametrize("call", [lambda: moments_of(np.array([1.0])), lambda: expected_maximum(1.0, 0)])
def test_too_little_is_said(call):
    with pytest.raises(BadInput, match="were"):
        call()
