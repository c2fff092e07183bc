"""Functions that only compiled code calls have no wrapper; Python reaches them all the same, and never has to."""

from typing import Any

import numba
import numpy as np
import pytest

from analytics.tape.book import Levels, Steps, rebuild
from strategy.kernel import jit as module
from strategy.kernel.jit import jit, jit_apart
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.run import Driver
from strategy.replay.sigma import sigma_series
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape

compiled = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


@jit
def doubled(number: float) -> float:
    return 2 * number


@jit_apart
def raised(base: float, by: float = 1.0) -> float:
    return doubled(base) + by


@pytest.mark.parametrize(("call", "expected"), [((3.0,), 7.0), ((3.0, 2.0), 8.0)])
def test_python_may_call_what_compiled_code_calls(call: tuple[float, ...], expected: float) -> None:
    assert raised(*call) == expected
    assert raised(base=call[0], by=expected - 6.0) == expected


@compiled
@pytest.mark.parametrize("driver", ["reference", "skip"])
def test_a_replay_calls_no_function_without_a_wrapper(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, *_: object) -> None:
        raise AssertionError(self.py_func.__name__)

    monkeypatch.setattr(module.Inner, "__call__", refuse)
    tape, info = synthetic_tape(SyntheticMarket(updates=200))
    parameters = ParameterSet()
    assert replay(tape, info, parameters, ReplayConfig(driver=driver)).counters["books"] == 200
    assert len(sigma_series(tape, info, parameters)[0]) > 0
    none = np.zeros(0, np.int64)
    nothing = Levels(np.zeros(1, np.int64), none.astype(np.int8), none, none)
    steps = Steps(np.zeros(1, np.int64), none.astype(np.int8), none.astype(np.int8), none)
    assert rebuild(steps, nothing, nothing)[0].shape == (0, 4)
