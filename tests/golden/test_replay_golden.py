"""One seeded tape, five parameter sets: the decisions' hash and some statistics. A change needs its reason."""

import json

import numpy as np
import pytest

from analytics.metrics.activity import of_replay
from analytics.metrics.figures import measure
from analytics.metrics.markout import mid_path
from strategy.kernel.records import ENTRY, REBALANCE, STOP_LOSS, TAKE_PROFIT
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.golden.golden_sets import GOLDEN, MARKET, QUICK, REGIMES, SETS, replayed, statistics, table_hash
from tests.unit.kernel_samples import parameter_set


@pytest.mark.parametrize("name", SETS)
def test_golden_tape_gives_the_recorded_decisions(name):
    assert statistics(replayed(name)) == json.loads(GOLDEN.read_text())[name]


def test_same_arguments_give_the_same_bytes():
    one, two = replayed("barriers"), replayed("barriers")
    for table in ("fills", "orders", "samples", "decisions", "events"):
        assert table_hash(getattr(one, table)) == table_hash(getattr(two, table))


@pytest.mark.parametrize("name", SETS)
def test_account_is_the_sum_of_the_fills(name):
    result = replayed(name)
    fills = result.fills
    assert result.end_base_lots == result.start_base_lots + (fills["side"] * fills["qty_lots"]).sum()
    paid = (fills["side"] * fills["qty_lots"] * fills["price_ticks"] + fills["fee_quote_atoms"]).sum()
    start = result.start_quote_atoms
    assert result.end_quote_atoms == pytest.approx(start - paid, abs=1e-15 * start)


@pytest.mark.parametrize("name", SETS)
def test_pnl_identity_holds_with_fills_that_rested_and_that_took(name):
    (tape, info), result = synthetic_tape(MARKET), replayed(name)
    activity = of_replay(result, info.start_ns, info.end_ns)
    figures = measure([activity], mid_path(tape), info).overall
    assert figures["identity_error"] <= 1e-9
    assert figures["fills"] == len(result.fills) > 5
    assert figures["taker_fills"] == (result.fills["maker"] == 0).sum()
    assert (name == "barriers") == (figures["taker_capture_quote"] < 0)


def test_sets_together_use_every_purpose_and_most_rules():
    runs = [replayed(name) for name in SETS]
    assert {int(p) for result in runs for p in result.fills["purpose"]} >= {ENTRY, TAKE_PROFIT, STOP_LOSS, REBALANCE}
    rules = ("lockouts", "panics", "thin_books", "rate_limited", "requotes", "barriers", "takes", "rebalances")
    assert [rule for rule in rules if not any(result.counters[rule] for result in runs)] == []


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
