"""What a study tries first, and that a set is found again where it lies in the space."""

import dataclasses

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.study import warm_start
from analytics.study.axes import geometric, scale, stick_breaking, unbroken, ungeometric, unscaled
from analytics.study.search import SpaceSettings
from analytics.study.settings import Objective
from analytics.study.space import Space
from analytics.study.store import opened
from analytics.study.trials import TrialRow
from strategy.policies.dotted import changed, flat
from strategy.policies.parameters import ParameterSet

SIGMA = np.random.default_rng(1).lognormal(-9, 0.6, 2_000)
NAMES = [f"paper-BTC-FDUSD-{digit * 12}" for digit in "abc"]
unit = st.floats(0, 1, allow_nan=False)


def space_of(base: ParameterSet | None = None, **given_settings) -> Space:
    return Space(base or ParameterSet(), lambda parameters: SIGMA, SpaceSettings(**given_settings))


@settings(max_examples=60)
@given(u=st.lists(unit, min_size=1, max_size=6))
def test_stick_breaking_and_its_way_back_agree(u):
    values = stick_breaking(u)
    np.testing.assert_allclose(stick_breaking(unbroken(values)), values, atol=1e-12)


@settings(max_examples=60)
@given(value=unit)
def test_scales_and_their_ways_back_agree(value):
    assert unscaled(scale([value], (2.0, 5.0)), (2.0, 5.0))[0] == pytest.approx(value, abs=1e-12)
    assert ungeometric(geometric(value, (0.5, 50.0)), (0.5, 50.0)) == pytest.approx(value, abs=1e-12)
    assert (ungeometric(900.0, (0.5, 50.0)), unscaled([-1.0], (2.0, 5.0))) == (1.0, [0.0])


@pytest.mark.parametrize("spread", ["discrete", "linear", "pchip", "glft", "range"])
@settings(max_examples=25)
@given(data=st.data())
def test_a_point_of_the_space_is_found_again(spread, data):
    base = changed(ParameterSet(), {"volatility.vol_sampling_interval": 1.0, "spread.policy": spread})
    space = space_of(base, parameters=("spread.*", "inventory.*", "quoting.*"))
    wanted = space.point({name: data.draw(unit) for name in space.dimensions}).parameters
    found = space.locate(wanted)
    assert found is not None
    assert set(found) == set(space.dimensions)
    placed, expected = flat(space.point(found).parameters), flat(wanted)
    for name, value in expected.items():
        if value is None or isinstance(value, str | bool):
            assert placed[name] == value
        else:
            np.testing.assert_allclose(np.asarray(placed[name], float), np.asarray(value, float), rtol=1e-6, atol=1e-9)


def test_thresholds_of_another_engine_keep_their_quantiles():
    base = ParameterSet()
    theirs = changed(base, {"volatility.policy": "ewma"})
    sigmas = {"rolling_std": SIGMA, "ewma": 5 * SIGMA}
    space = Space(base, lambda each: sigmas[each.volatility["policy"]], SpaceSettings())
    cuts = np.quantile(5 * SIGMA, [0.2, 0.5, 0.8]).tolist()
    names = ("low_threshold", "medium_threshold", "high_threshold")
    theirs = changed(theirs, {f"regimes.{name}": cut for name, cut in zip(names, cuts, strict=True)})
    found = space.locate(theirs)
    assert found is not None
    np.testing.assert_allclose(space.point(found).quantiles, [0.2, 0.5, 0.8], atol=1e-3)


def test_a_set_that_lacks_what_is_searched_has_no_place():
    space = space_of(changed(ParameterSet(), {"spread.policy": "linear"}))
    assert space.locate(ParameterSet()) is None


def test_a_curve_with_other_points_is_read_off():
    base = changed(ParameterSet(), {"spread.policy": "linear"})
    six = space_of(base, curve_points=6)
    wanted = six.point(dict.fromkeys(six.dimensions, 0.5)).parameters
    found = space_of(base, curve_points=4).locate(wanted)
    assert found is not None
    placed = space_of(base, curve_points=4).point(found).parameters.spread["spread_curve_points"]
    theirs = np.array(wanted.spread["spread_curve_points"])
    np.testing.assert_allclose([placed[0][1], placed[-1][1]], [theirs[0, 1], theirs[-1, 1]])


def run(folder, name: str, space: Space, score: float) -> dict[str, float]:
    """Leave a study of two trials in a folder and return the better one's point."""
    best = dict.fromkeys(space.dimensions, 0.25)
    with opened(name, folder, None) as store:
        warm_start.mark(store.study, space)
        for u, each in ((best, score), (dict.fromkeys(space.dimensions, 0.75), score - 1)):
            store.study.enqueue_trial(u)
            trial = store.study.ask()
            for axis in space.dimensions:
                trial.suggest_float(axis, 0.0, 1.0)
            trial.set_user_attr("row", TrialRow(trial.number, each, -1.0, u, {}, (each,), {}).to_json())
            store.study.tell(trial, each)
    return best


def test_the_newest_other_study_of_the_market_gives_its_best(tmp_path):
    space = space_of()
    run(tmp_path, NAMES[0], space, 5.0)
    best = run(tmp_path, NAMES[1], space, 1.0)
    run(tmp_path, "paper-ETH-FDUSD-dddddddddddd", space, 1.0)
    found = warm_start.best_of_last(tmp_path, NAMES[2], space, Objective())
    assert found is not None
    assert (found[0], found[1].u) == (NAMES[1], best)
    again = warm_start.best_of_last(tmp_path, NAMES[1], space, Objective())
    assert again is not None
    assert again[0] == NAMES[0]


def test_a_study_of_another_space_gives_nothing(tmp_path):
    run(tmp_path, NAMES[0], space_of(spread_bps=(1.0, 9.0)), 5.0)
    assert warm_start.best_of_last(tmp_path, NAMES[2], space_of(), Objective()) is None
    assert warm_start.best_of_last(tmp_path / "none", NAMES[2], space_of(), Objective()) is None


def test_a_study_that_ended_before_its_first_trial_does_not_count(tmp_path):
    space = space_of()
    best = run(tmp_path, NAMES[0], space, 5.0)
    (tmp_path / f"{NAMES[1]}.journal").write_bytes(b"")
    found = warm_start.best_of_last(tmp_path, NAMES[2], space, Objective())
    assert found is not None
    assert (found[0], found[1].u) == (NAMES[0], best)
    with opened(NAMES[1], tmp_path, None):
        pass
    assert warm_start.best_of_last(tmp_path, NAMES[2], space, Objective()) == found


def test_champion_and_last_best_come_first_and_no_point_twice():
    space = space_of()
    champion = space.point(dict.fromkeys(space.dimensions, 0.4)).parameters
    place = space.locate(champion)
    last = TrialRow(3, 1.0, -1.0, dict.fromkeys(space.dimensions, 0.6), {}, (1.0,), {})
    for known, expected in ((last, [place, last.u]), (dataclasses.replace(last, u=place), [place])):
        study = optuna.create_study(direction="maximize")
        warm_start.propose(study, space, champion, (NAMES[0], known))
        trials = [study.ask() for _ in expected]
        drawn = [{axis: each.suggest_float(axis, 0.0, 1.0) for axis in space.dimensions} for each in trials]
        assert drawn == expected
        assert trials[0].user_attrs[warm_start.FROM] == "champion"
        assert warm_start.FROM not in study.ask().user_attrs


@pytest.mark.parametrize(
    ("objective", "first"),
    [
        (Objective(measure="pnl", also=("sharpe",)), 1),
        (Objective(measure="pnl", also=("sharpe",), weights={"pnl": 0.0, "sharpe": 1.0}), 2),
        (Objective(measure="pnl"), 0),
    ],
)
def test_a_study_of_the_same_objectives_gives_the_point_that_would_be_chosen(tmp_path, objective, first):
    space, goals = space_of(), [(9.0, 1.0), (7.0, 8.0), (1.0, 9.0), (6.0, 7.0)]
    with opened(NAMES[0], tmp_path, None, 2) as store:
        warm_start.mark(store.study, space)
        for each in goals:
            trial = store.study.ask()
            u = {axis: trial.suggest_float(axis, 0.0, 1.0) for axis in space.dimensions}
            row = TrialRow(trial.number, each[0], -1.0, u, {}, (each[0],), {}, others={"sharpe": each[1]})
            trial.set_user_attr("row", row.to_json())
            store.study.tell(trial, each)
    found = warm_start.best_of_last(tmp_path, NAMES[2], space, objective)
    assert found is not None
    assert found[1].number == first
