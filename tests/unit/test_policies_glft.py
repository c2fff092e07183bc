import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.policies.registry import policy
from tests.unit.inventory_risk_samples import quotes

NAME = "glft"


def solved_quotes(sigma, gamma, kappa, rate, bound):
    """Return (bid, ask) distances for every q in [-bound, bound] from the paper's spectral solution, no approximation.

    The asymptotic quotes come from the eigenvector f of the least eigenvalue of the tridiagonal matrix with
    alpha q^2 on the diagonal and -eta beside it: delta_bid(q) = ln(f(q) / f(q + 1)) / kappa + riskless.
    """
    alpha = kappa / 2 * gamma * sigma**2
    eta = rate * (1 + gamma / kappa) ** -(1 + kappa / gamma)
    q = np.arange(-bound, bound + 1)
    matrix = np.diag(alpha * q.astype(float) ** 2) - eta * (np.eye(len(q), k=1) + np.eye(len(q), k=-1))
    f = np.abs(np.linalg.eigh(matrix)[1][:, 0])
    riskless = math.log(1 + gamma / kappa) / gamma
    return {
        int(q[i]): (math.log(f[i] / f[i + 1]) / kappa + riskless, math.log(f[i] / f[i - 1]) / kappa + riskless)
        for i in range(1, len(q) - 1)
    }


@settings(deadline=None, max_examples=80)
@given(
    sigma=st.floats(0, 50),
    orders=st.floats(-19, 19),
    gamma=st.floats(1e-3, 10),
    kappa=st.floats(1e-2, 100),
    rate=st.floats(1e-3, 100),
)
def test_both_quotes_stand_where_the_approximation_puts_them(sigma, orders, gamma, kappa, rate):
    fields = {"risk_aversion": gamma, "arrival_decay": kappa, "arrival_rate": rate}
    bid, ask, reservation = quotes(NAME, sigma, orders, **fields)
    root = math.sqrt(sigma**2 * gamma / (2 * kappa * rate) * (1 + gamma / kappa) ** (1 + kappa / gamma))
    riskless = math.log(1 + gamma / kappa) / gamma
    assert bid - reservation == pytest.approx(riskless + (2 * orders + 1) / 2 * root, rel=1e-9, abs=1e-9 * (1 + root))
    assert ask + reservation == pytest.approx(riskless - (2 * orders - 1) / 2 * root, rel=1e-9, abs=1e-9 * (1 + root))


def test_quotes_are_close_to_the_solved_problem_near_the_target():
    fields = {"risk_aversion": 0.05, "arrival_decay": 0.5, "arrival_rate": 0.5}
    solved = solved_quotes(0.3, 0.05, 0.5, 0.5, 30)
    for q in range(-3, 4):
        bid, ask, reservation = quotes(NAME, 0.3, q, **fields)
        assert (bid - reservation, ask + reservation) == pytest.approx(solved[q], abs=0.03)


def test_more_flow_and_less_sigma_both_narrow_and_lean_less():
    usual = quotes(NAME, 0.5, 3)
    for calmer in (quotes(NAME, 0.5, 3, arrival_rate=5.0), quotes(NAME, 0.2, 3)):
        assert calmer[0] < usual[0]
        assert usual[2] < calmer[2] < 0


def test_reservation_price_stops_at_the_limit_of_orders():
    assert quotes(NAME, 0.5, 400, max_inventory_orders=5)[2] == quotes(NAME, 0.5, 5, max_inventory_orders=5)[2]


def test_defaults_suit_btc():
    calm, busy = quotes(NAME, 0.2, 1), quotes(NAME, 1.0, 1)
    assert 1 < calm[0] < busy[0] < 4
    assert -2 < busy[2] < calm[2] < 0
    assert policy("spreads", NAME).parameters().needs() == {"cadence"}
