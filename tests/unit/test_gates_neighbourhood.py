import pytest

from analytics.gates.neighbourhood import movable, neighbours
from strategy.policies.dotted import changed, flat
from strategy.policies.parameters import ParameterSet

BASE = ParameterSet()
CURVE = changed(
    BASE,
    {"spread.policy": "linear", "spread.spread_curve_points": [[0.001, 5.0], [0.002, 10.0], [0.003, 20.0]]},
)


def around(parameters, names, draws=0, step=0.1):
    return {each.label: each.parameters for each in neighbours(parameters, names, step, draws, seed=7)}


def test_one_number_moves_at_a_time_and_both_ways():
    found = around(BASE, ["quoting.cooldown_time", "regimes.spread_medium"])
    start = flat(BASE)
    assert set(found) == {
        f"{name} {share}" for name in ("quoting.cooldown_time", "regimes.spread_medium") for share in ("-10%", "+10%")
    }
    for label, parameters in found.items():
        name, share = label.split()
        moved = {each: value for each, value in flat(parameters).items() if value != start[each]}
        assert moved == {name: pytest.approx(start[name] * (1.1 if share == "+10%" else 0.9))}


def test_a_point_of_a_curve_moves_alone():
    found = around(CURVE, ["spread.spread_curve_points.bps.2", "spread.spread_curve_points.sigma.1"])
    assert flat(found["spread.spread_curve_points.bps.2 +10%"])["spread.spread_curve_points"] == [
        [0.001, 5.0],
        [0.002, pytest.approx(11.0)],
        [0.003, 20.0],
    ]
    assert flat(found["spread.spread_curve_points.sigma.1 -10%"])["spread.spread_curve_points"][0][0] < 0.001
    assert len(found) == 4


def test_draws_move_everything_within_the_step_and_follow_the_seed():
    names = ["quoting.cooldown_time", "regimes.spread_medium", "regimes.spread_high"]
    found = around(BASE, names, draws=5)
    drawn = [flat(each) for label, each in found.items() if label.startswith("draw")]
    assert len(drawn) == 5
    start = flat(BASE)
    for name in names:
        shares = [each[name] / start[name] - 1 for each in drawn]
        assert len(set(shares)) == 5
        assert max(map(abs, shares)) <= 0.1
    assert found == around(BASE, names, draws=5)


def test_a_whole_number_moves_by_at_least_one():
    names = [
        name for name, value in flat(BASE).items() if type(value) is int and value > 0 and name != "schema_version"
    ]
    name = next(each for each in names if around(BASE, [each]))
    start = flat(BASE)[name]
    moved = sorted(flat(each)[name] for each in around(BASE, [name], step=0.01).values())
    assert set(moved) <= {start - 1, start + 1}
    assert moved


def test_what_the_rules_refuse_is_no_neighbour():
    narrow = changed(BASE, {"regimes.spread_low": 7.9, "regimes.spread_medium": 8.0})
    assert set(around(narrow, ["regimes.spread_low"])) == {"regimes.spread_low -10%"}
    names = ["regimes.spread_low", "regimes.spread_medium"]
    drawn = [label for label in around(narrow, names, draws=6) if label.startswith("draw")]
    assert len(drawn) == 6 < int(drawn[-1].split()[1])  # refused ones were replaced


def test_what_is_no_number_or_is_worked_out_stays():
    names = ["spread.policy", "regimes.threshold_quantiles.1", "quoting.cooldown_time"]
    assert list(movable(BASE, names)) == ["quoting.cooldown_time"]
    assert around(BASE, ["spread.policy"], draws=3) == {}
