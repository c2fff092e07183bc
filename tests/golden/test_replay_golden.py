"""One seeded tape, three parameter sets: the decisions' hash and ten statistics. A change needs its reason."""

import json

import numpy as np
import pytest

from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.golden.golden_sets import GOLDEN, QUICK, REGIMES, SETS, replayed, statistics, table_hash
from tests.unit.kernel_samples import parameter_set


@pytest.mark.parametrize("name", SETS)
def test_golden_tape_gives_the_recorded_decisions(name):
    assert statistics(replayed(name)) == json.loads(GOLDEN.read_text())[name]


def test_same_arguments_give_the_same_bytes():
    one, two = replayed("skewed"), replayed("skewed")
    for table in ("fills", "orders", "samples", "decisions", "events"):
        assert table_hash(getattr(one, table)) == table_hash(getattr(two, table))


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
