"""A few seeds of `python -m bench.truth`, which runs twenty and thousands of simulations: one seed takes seconds."""

import numpy as np
import pytest

from bench.truth import avellaneda_stoikov, edge, regimes, width

pytestmark = pytest.mark.slow

SIMULATIONS = 150


@pytest.mark.parametrize(("seed", "fee_bps"), [(1, 0.0), (2, 1.5)])
def test_the_study_finds_the_width_of_the_closed_form(seed, fee_bps):
    found = width.found(seed, fee_bps)
    assert found.true_bps == width.REACH_BPS + fee_bps
    assert found.deviation_bps < 0.05 * found.true_bps
    assert abs(found.z) <= width.CHERNOFF_99


@pytest.mark.parametrize("seed", [1, 2])
def test_gates_against_luck_refuse_a_winner_without_an_edge(seed):
    assert edge.without_edge(seed).statistical


def test_gates_let_a_winner_with_an_edge_pass():
    found = edge.with_edge(1)
    assert (found.refused, found.edge_bps > 0) == ((), True)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_width_a_regime_beats_the_best_constant_one_held_out(seed):
    assert regimes.rivals(seed).gain > 0


@pytest.mark.parametrize("follows", [avellaneda_stoikov.HELD, avellaneda_stoikov.UNMOVED])
def test_replay_gives_the_table_of_avellaneda_and_stoikov(follows):
    found = avellaneda_stoikov.simulated(SIMULATIONS, follows)
    paper = avellaneda_stoikov.computed(20_000, follows)
    assert np.mean(found.spread) == pytest.approx(1.49, abs=0.005)
    assert avellaneda_stoikov.agrees(found.profit, paper.profit)
    assert avellaneda_stoikov.agrees(found.final_q, paper.final_q)


def test_the_inventory_strategy_halves_the_risk_of_the_symmetric_one():
    inventory, symmetric = (
        np.std(avellaneda_stoikov.computed(20_000, follows).profit)
        for follows in (avellaneda_stoikov.HELD, avellaneda_stoikov.UNMOVED)
    )
    assert (inventory, symmetric) == (pytest.approx(6.5, abs=0.3), pytest.approx(13.3, abs=0.5))
