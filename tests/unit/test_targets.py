"""The holding that a set steers towards, as reports draw it."""

import numpy as np
import pytest

from analytics.metrics.activity import Marks, walk
from analytics.metrics.targets import target_base
from strategy.policies.dotted import changed
from strategy.policies.parameters import ParameterSet
from tests.unit.activity_samples import INFO, random_activity, random_path


@pytest.fixture
def marks() -> Marks:
    rng = np.random.default_rng(8)
    return walk(random_activity(rng, random_path(rng, 60), 5, 60))


def aimed(marks: Marks, **changes: object) -> np.ndarray:
    found = target_base(
        changed(ParameterSet(), {name.replace("__", "."): value for name, value in changes.items()}), marks, INFO
    )
    assert found is not None
    return found


def test_a_target_in_base_units_stays(marks: Marks) -> None:
    found = aimed(marks, inventory__policy="skewed", inventory__inventory_target_base=0.7)
    assert found.tolist() == [0.7] * len(marks.ts)


def test_a_share_of_the_account_moves_with_its_worth(marks: Marks) -> None:
    found = aimed(marks, inventory__policy="balanced", inventory__target_ratio=0.25)
    worth = (marks.cash + marks.position * marks.mid) / marks.mid * 0.00001
    assert found == pytest.approx(0.25 * worth)


def test_a_set_that_names_none_has_none(marks: Marks) -> None:
    plain = changed(ParameterSet(), {"inventory.policy": "neutral", "spread.policy": "discrete"})
    assert target_base(plain, marks, INFO) is None


def test_a_spreads_own_target_counts_where_the_inventory_policy_has_none(marks: Marks) -> None:
    spread = {"spread__policy": "glft", "spread__inventory_target_base": 0.3, "volatility__vol_sampling_interval": 1.0}
    found = aimed(marks, inventory__policy="neutral", **spread)
    assert found.tolist() == [0.3] * len(marks.ts)
