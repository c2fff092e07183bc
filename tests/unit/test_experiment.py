"""Parameters as MLflow takes them: every value by its dotted name, within the store's limits."""

import orjson
import pytest

from analytics.registry.entries import LONGEST, MOST, log_batches, parameter_list
from strategy.policies.dotted import changed, flat
from strategy.policies.parameters import ParameterSet


class Runs:
    """Keeps the requests that a client is asked to send."""

    def __init__(self) -> None:
        self.requests: list[int] = []

    def log_batch(self, run_id: str, params=(), metrics=()) -> None:
        self.requests.append(len(params) + len(metrics))


def test_every_value_stands_under_its_dotted_name():
    parameters = changed(ParameterSet(), {"signals.trend.trend_bias": 0.25, "quoting.on_cross": "drop"})
    found = {each.key: each.value for each in parameter_list("base.", parameters)}
    assert set(found) == {f"base.{name}" for name in flat(parameters)}
    assert found["base.signals.trend.trend_bias"] == "0.25"
    assert found["base.quoting.on_cross"] == "drop"
    assert found["base.barriers.stop_loss"] == "null"


def test_a_curve_too_long_for_one_value_becomes_one_a_point():
    points = [[1e-5 * (i + 1) / 3, 2.0 + i / 7] for i in range(16)]
    parameters = changed(ParameterSet(), {"spread.policy": "linear", "spread.spread_curve_points": points})
    found = {each.key: each.value for each in parameter_list("", parameters)}
    assert max(len(value) for value in found.values()) <= LONGEST
    assert orjson.loads(found["spread.spread_curve_points.16"]) == pytest.approx(points[15])
    assert "spread.spread_curve_points" not in found


def test_parameters_are_sent_a_hundred_at_a_time():
    runs = Runs()
    many = [each for i in range(5) for each in parameter_list(f"{i}.", ParameterSet())]
    log_batches(runs, "run", [], many)
    assert max(runs.requests) <= MOST == 100
    assert sum(runs.requests) == len(many) > 200
