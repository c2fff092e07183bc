import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.errors import BadParameters
from strategy.policies.parameters import parse_parameters
from strategy.policies.registry import policy
from tests.unit.inventory_risk_samples import quotes

NAME = "avellaneda_stoikov"


def test_paper_example_quotes_the_published_spread_and_reservation_price():
    # The paper's simulation at its start: gamma 0.1, sigma 2, T - t = 1, kappa 1.5.
    fields = {"risk_aversion": 0.1, "arrival_decay": 1.5, "horizon_seconds": 1.0}
    bid, ask, reservation = quotes(NAME, 2.0, 1, **fields)
    assert bid + ask == pytest.approx(0.1 * 4 + 20 * math.log(1 + 1 / 15))
    assert bid + ask == pytest.approx(1.69, abs=0.005)
    assert reservation == pytest.approx(-0.4)


@settings(deadline=None, max_examples=80)
@given(
    sigma=st.floats(0, 50),
    orders=st.floats(-19, 19),
    gamma=st.floats(1e-4, 10),
    kappa=st.floats(1e-2, 100),
    tau=st.floats(0.1, 3_600),
)
def test_both_quotes_stand_where_the_equations_put_them(sigma, orders, gamma, kappa, tau):
    fields = {"risk_aversion": gamma, "arrival_decay": kappa, "horizon_seconds": tau}
    bid, ask, reservation = quotes(NAME, sigma, orders, **fields)
    spread = gamma * sigma**2 * tau + 2 / gamma * math.log(1 + gamma / kappa)
    assert bid == ask == pytest.approx(spread / 2, rel=1e-9)
    assert reservation == pytest.approx(-orders * gamma * sigma**2 * tau, rel=1e-9, abs=1e-9)


def test_account_at_its_target_quotes_around_mid():
    assert quotes(NAME, 0.7, 0)[2] == pytest.approx(0, abs=1e-12)


def test_reservation_price_stops_at_the_limit_of_orders():
    at_limit = quotes(NAME, 0.7, 20)[2]
    assert at_limit < quotes(NAME, 0.7, 19)[2] < 0
    assert quotes(NAME, 0.7, 1_000)[2] == at_limit
    assert quotes(NAME, 0.7, -1_000)[2] == -at_limit


def test_hardly_averse_maker_quotes_one_over_kappa():
    bid, ask, reservation = quotes(NAME, 0.5, 5, risk_aversion=1e-9, arrival_decay=0.4)
    assert (bid, ask) == pytest.approx((2.5, 2.5))
    assert reservation == pytest.approx(0, abs=1e-6)


def test_defaults_suit_btc():
    calm, busy = quotes(NAME, 0.2, 1), quotes(NAME, 1.0, 1)
    assert 1 < calm[0] < 3 < busy[0] < 6
    assert -4 < busy[2] < -1 < calm[2] < 0


def test_sigma_without_a_cadence_is_refused():
    assert policy("spreads", NAME).parameters().needs() == {"cadence"}
    with pytest.raises(BadParameters, match=r"avellaneda_stoikov needs volatility\.vol_sampling_interval over 0"):
        parse_parameters({"spread": {"policy": NAME}})
    parse_parameters({"spread": {"policy": NAME}, "volatility": {"policy": "bar_std"}})
