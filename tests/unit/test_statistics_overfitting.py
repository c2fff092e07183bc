from itertools import combinations

import numpy as np
import pytest

from analytics.gates.statistics.overfitting import mean_of, probability_of_overfitting, sharpe_of
from strategy.errors import BadInput


def naive(returns, blocks):
    """CSCV as the paper tells it, choice by choice, by the Sharpe ratio."""
    parts = np.split(returns[len(returns) % blocks :], blocks)
    logits = []
    for chosen in combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[i] for i in chosen])
        outside = np.concatenate([parts[i] for i in range(blocks) if i not in chosen])
        before = inside.mean(axis=0) / inside.std(axis=0, ddof=1)
        after = outside.mean(axis=0) / outside.std(axis=0, ddof=1)
        best = np.argmax(before)
        rank = 1 + np.sum(after < after[best])
        logits.append(np.log(rank / (len(after) + 1 - rank)))
    return np.array(logits)


def test_it_equals_the_paper_told_choice_by_choice():
    returns = np.random.default_rng(5).normal(0.1, 1.0, (67, 9))
    found = probability_of_overfitting(returns, 8)
    np.testing.assert_allclose(found.logits, naive(returns, 8), atol=1e-9)
    assert found.probability == np.mean(naive(returns, 8) <= 0)
    assert len(found.logits) == 70


def test_noise_is_overfitted_half_of_the_time():
    rng = np.random.default_rng(1)
    found = [probability_of_overfitting(rng.normal(size=(160, 20)), 8).probability for _ in range(200)]
    # The standard deviation over seeds is about 0.2, that of the mean of 200 about 0.015.
    assert np.mean(found) == pytest.approx(0.5, abs=0.05)


def test_one_dominating_trial_is_never_overfitted():
    returns = np.random.default_rng(2).normal(size=(160, 20))
    returns[:, 7] += 3.0
    found = probability_of_overfitting(returns, 10)
    assert (found.probability, found.loss) == (0.0, 0.0)
    np.testing.assert_allclose(found.logits, np.log(20))


def test_trials_that_only_differ_by_what_they_took_from_their_future_are_always_overfitted():
    returns = np.random.default_rng(3).normal(size=(160, 20))
    returns -= returns.mean(axis=0)  # the best half of such a trial leaves it the worst other half
    found = probability_of_overfitting(returns, 8, mean_of)
    assert (found.probability, found.loss) == (1.0, 1.0)
    assert found.degradation == pytest.approx(-1.0)


def test_equal_trials_share_the_middle_rank_and_say_nothing_good():
    returns = np.repeat(np.random.default_rng(4).normal(size=(32, 1)), 5, axis=1)
    assert probability_of_overfitting(returns, 4).probability == 1.0


def test_a_trial_that_never_traded_has_sharpe_ratio_0():
    assert sharpe_of(np.zeros(2), np.zeros(2), 10.0).tolist() == [0.0, 0.0]
    assert sharpe_of(np.array([1.0]), np.array([0.1]), 10.0).tolist() == [0.0]  # 0.1 ten times


@pytest.mark.parametrize(
    ("shape", "blocks", "said"),
    [
        ((40, 5), 7, "blocks were 7"),
        ((40, 5), 22, "blocks were 22"),
        ((40, 1), 4, "at least two trials"),
        ((3, 5), 4, "periods were 3"),
    ],
)
def test_what_cannot_be_cut_is_said(shape, blocks, said):
    with pytest.raises(BadInput, match=said):
        probability_of_overfitting(np.zeros(shape), blocks)


def test_an_unknown_return_is_said():
    returns = np.zeros((8, 2))
    returns[3, 1] = np.nan
    with pytest.raises(BadInput, match="1 values that are not finite"):
        probability_of_overfitting(returns, 4)
