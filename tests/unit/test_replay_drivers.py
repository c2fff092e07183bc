"""Which driver `auto` takes: skipping has to be worth its index, and its compilation where nobody has compiled yet."""

from pathlib import Path

import numba
import pytest

from strategy.policies.composition import has_code, policy_names
from strategy.policies.parameters import ParameterSet
from strategy.replay import driver
from strategy.replay.batch import LOOP
from strategy.replay.driver import WORTH, WORTH_COMPILING, ReplayConfig, skips
from strategy.replay.run import Driver
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape

TAPE, _ = synthetic_tape(SyntheticMarket(updates=100))
EVENTS = len(TAPE.update_exch) + len(TAPE.trade_exch)


@pytest.mark.parametrize(
    ("events", "compiled", "expected"),
    [
        (WORTH - EVENTS, True, False),
        (WORTH + EVENTS, True, True),
        (WORTH + EVENTS, False, False),
        (WORTH_COMPILING + EVENTS, False, True),
    ],
)
def test_auto_skips_from_where_it_pays(
    events: int, compiled: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "is_compiled", lambda parameters: compiled)
    assert skips(TAPE, ParameterSet(), ReplayConfig(), sets=events // EVENTS) is expected


@pytest.mark.parametrize(("name", "expected"), [("skip", True), ("reference", False)])
def test_a_driver_that_is_asked_for_is_taken(name: Driver, expected: bool) -> None:
    assert skips(TAPE, ParameterSet(), ReplayConfig(driver=name)) is expected


def test_without_compiled_code_on_disk_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROVOL_JIT_CACHE", str(tmp_path))
    assert has_code(LOOP, policy_names(ParameterSet())) is bool(numba.config.DISABLE_JIT)
