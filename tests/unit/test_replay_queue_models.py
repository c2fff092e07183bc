"""How each queue model moves an order on, by hand and against plain arithmetic."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.errors import BadInput
from strategy.kernel.jit import jit
from strategy.kernel.records import BUY, SELL
from strategy.replay.driver import ReplayConfig
from strategy.replay.exchange import CURSOR, LIVE
from strategy.replay.queue_models import QUEUE_MODELS, join, resize, share_behind, trade_at
from tests.unit.kernel_samples import START
from tests.unit.tape_samples import QUOTED_BID, TapeMaker, run

MODELS = st.sampled_from(QUEUE_MODELS)
LOTS = st.integers(0, 5_000)


class Place:
    """One order in one queue."""

    def __init__(self, model, shown, exponent=3.0):
        self.cursor, self.order = np.zeros(1, CURSOR)[0], np.zeros(1, LIVE)[0]
        self.cursor["queue_model"] = QUEUE_MODELS.index(model)
        self.cursor["queue_exponent"] = exponent
        join(self.cursor, self.order, shown)

    def trade(self, lots):
        """Print a trade; return what reaches the order."""
        return trade_at(self.cursor, self.order, lots)

    def show(self, *sizes):
        """Display sizes one after another; return what is ahead afterwards."""
        for lots in sizes:
            resize(self.cursor, self.order, lots)
        return self.ahead

    @property
    def ahead(self):
        """Return the lots ahead."""
        return float(self.order["queue_ahead"])


def naive(f, was, traded, ahead, shown):
    """Return what is ahead after a row, by the rule as it is written."""
    behind = max(was - traded - ahead, 0)
    gone = was - traded - shown
    if gone > 0:
        share = f(behind) / (f(ahead) + f(behind)) if f(ahead) + f(behind) > 0 else 0
        ahead -= gone - min(gone * share, behind)
    return max(min(ahead, shown), 0)


@pytest.mark.parametrize("model", QUEUE_MODELS)
def test_order_joins_behind_everything_that_is_displayed(model):
    place = Place(model, 50)
    assert place.ahead == 50
    assert [place.trade(30), place.trade(19), place.trade(1), place.trade(7)] == [0, 0, 0, 7]
    assert place.ahead == 0


@pytest.mark.parametrize("model", QUEUE_MODELS)
def test_fall_that_trades_explain_moves_nobody_twice(model):
    place = Place(model, 50)
    place.show(150)
    place.trade(20)
    assert place.show(130) == 30
    assert place.show(130) == 30


@pytest.mark.parametrize("model", QUEUE_MODELS)
def test_growth_joins_behind_us_and_does_not_move_us(model):
    assert Place(model, 50).show(80, 900) == 50


def test_risk_averse_moves_on_only_when_the_display_proves_it():
    place = Place("risk_averse", 50)
    assert [place.show(200), place.show(60), place.show(50), place.show(49), place.show(500)] == [50, 50, 50, 49, 49]


@pytest.mark.parametrize(("model", "expected"), [("power", 100 - 40 / (1 + 3**3)), ("log", None)])
def test_longer_part_of_the_queue_loses_more(model, expected):
    place = Place(model, 100)
    ahead = place.show(400, 360)  # 40 go; 300 are behind, 100 ahead
    share = math.log(301) / (math.log(101) + math.log(301))
    assert ahead == pytest.approx(expected or 100 - 40 * (1 - share), rel=1e-12)


def test_exponent_sharpens_the_preference_for_the_longer_part():
    ahead = [Place("power", 100, exponent).show(400, 360) for exponent in (0.5, 1.0, 3.0, 16.0)]
    assert ahead == sorted(ahead)
    assert ahead[1] == pytest.approx(100 - 40 * 0.25)


@pytest.mark.parametrize(("model", "expected"), [("power", 50), ("log", 0)])
def test_no_more_is_taken_from_either_part_than_is_there(model, expected):
    assert Place(model, 100).show(90) == 90  # nobody behind
    # 300 behind and 100 ahead, of which 350 go: power asks for 337 of those behind, log for 156 of those ahead
    assert Place(model, 100).show(400, 50) == expected


@pytest.mark.parametrize("model", ["power", "log"])
def test_only_whole_lots_of_what_exceeds_a_fraction_reach_the_order(model):
    place = Place(model, 100)
    ahead = place.show(300, 250)
    assert 99 > ahead > 50
    assert ahead != int(ahead)
    assert place.trade(100) == math.floor(100 - ahead)
    assert place.ahead == 0


STEPS = st.lists(st.tuples(st.booleans(), LOTS), max_size=30)


@settings(deadline=None, max_examples=200)
@given(model=MODELS, exponent=st.sampled_from([0.5, 1.0, 3.0, 16.0]), shown=LOTS, steps=STEPS)
def test_any_stream_moves_an_order_as_plain_arithmetic_does(model, exponent, shown, steps):
    place = Place(model, shown, exponent)
    f = (lambda x: math.log(1 + x)) if model == "log" else (lambda x: x**exponent)
    ahead, was, traded = float(shown), shown, 0
    for is_trade, lots in steps:
        if is_trade:
            reached = place.trade(lots)
            assert reached == max(math.floor(lots - ahead + 1e-6), 0)
            ahead, traded = max(ahead - lots, 0.0), traded + lots
        else:
            place.show(lots)
            ahead = min(ahead, lots) if model == "risk_averse" else naive(f, was, traded, ahead, lots)
            was, traded = lots, 0
            assert 0 <= place.ahead <= lots
        assert place.ahead == pytest.approx(ahead, rel=1e-9, abs=1e-7)
        ahead = place.ahead


@settings(deadline=None, max_examples=200)
@given(shown=LOTS, steps=STEPS)
def test_no_model_waits_longer_than_risk_averse(shown, steps):
    places = [Place(model, shown) for model in QUEUE_MODELS]
    for is_trade, lots in steps:
        ahead = [(place.trade(lots), place.ahead)[1] if is_trade else place.show(lots) for place in places]
        assert max(ahead) == ahead[0]
        assert ahead[0] == int(ahead[0])


@pytest.mark.parametrize("model", ["power", "log"])
@pytest.mark.parametrize(("ahead", "behind"), [(0.0, 0.0), (2.0**53, 1e-9), (1e-9, 2.0**53), (0.0, 5.0), (5.0, 0.0)])
def test_share_behind_is_a_share_at_every_extreme(model, ahead, behind):
    share = share_behind(Place(model, 1, 64.0).cursor, ahead, behind)
    assert 0.0 <= share <= 1.0


@pytest.mark.slow
@pytest.mark.parametrize("model", QUEUE_MODELS)
def test_compiled_and_plain_models_give_the_same_bits(model):
    cursor = Place(model, 1, 2.7).cursor
    assert walked(cursor, walk).tobytes() == walked(cursor, getattr(walk, "py_func", walk)).tobytes()
    assert (walked(cursor, walk) % 1 > 0).any() == (model != "risk_averse")


@jit
def walk(cursor, orders, rows, ahead):
    """Move an order through trades and rows, noting what is ahead each time."""
    for i in range(len(rows)):
        trade_at(cursor, orders[0], rows[i] // 50)
        resize(cursor, orders[0], rows[i])
        ahead[i] = orders[0]["queue_ahead"]


def walked(cursor, way):
    """Return what was ahead along a random stream."""
    rows, ahead, orders = np.random.default_rng(9).integers(500_000, 10**6, 400), np.zeros(400), np.zeros(1, LIVE)
    join(cursor, orders[0], 900_000)
    way(cursor, orders, rows, ahead)
    return ahead


def test_replay_fills_earlier_under_a_model_that_sees_cancels_ahead():
    maker = TapeMaker().ladder(0, 100).update(20, (BUY, QUOTED_BID, 300)).update(25, (BUY, QUOTED_BID, 150))
    maker.trade(30, SELL, QUOTED_BID, 100).update(1_000)
    filled = {model: run(maker, queue_model=model).fills["qty_lots"].tolist() for model in QUEUE_MODELS}
    # 200 behind and 100 ahead, of which 150 go: ahead by 1/9 of 150 (power 3), by 0.465 of it (log)
    assert filled == {"risk_averse": [], "power": [16], "log": [69]}
    assert run(maker, queue_model="power", queue_exponent=1.0).fills["qty_lots"].tolist() == [50]


def test_row_of_the_other_side_or_another_price_moves_no_queue():
    maker = TapeMaker().ladder(0, 50).update(20, (SELL, QUOTED_BID + 9_000, 3), (BUY, QUOTED_BID - 1, 1))
    result = run(maker.trade(30, SELL, QUOTED_BID, 51).update(1_000))
    assert result.fills[["qty_lots", "exch_ts"]].tolist() == [(1, START + 30_000_000)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"queue_model": "hopeful"}, "queue_model was 'hopeful', known are risk_averse, power, log"),
        ({"queue_exponent": 0.0}, "queue_exponent was 0.0, it must be over 0 and finite"),
        ({"queue_exponent": math.inf}, "queue_exponent was inf, "),
        ({"queue_exponent": math.nan}, "queue_exponent was nan, "),
    ],
)
def test_impossible_queue_is_refused_in_one_line(wrong, said):
    with pytest.raises(BadInput, match=f"^{said}"):
        ReplayConfig(**wrong)
