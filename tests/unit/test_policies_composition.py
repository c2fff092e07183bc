import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from strategy.errors import BadParameters
from strategy.kernel import contract
from strategy.policies.composition import STEP, Names, compose, module_name, policy_names, rebound, seams
from strategy.policies.registry import policy
from tests.unit.kernel_samples import parameter_set

ROOT = Path(__file__).resolve().parents[2]

FRESH_PROCESS = """
import json
from strategy.policies.composition import compose, policy_names
from strategy.policies.stepper import ENTRY
from tests.unit.kernel_samples import Hand, parameter_set
parameters = parameter_set(signals=[{"policy": "trend"}, {"policy": "trade_burst"}])
hand = Hand(parameters)
actions = hand.book(5_999_999, 6_000_001, fresh=True)
hits = compose(ENTRY, policy_names(parameters)).call.cache_hits
print(json.dumps([hits, len(actions)]))
"""


def test_every_name_of_the_contract_is_bound_to_the_chosen_policies():
    names = policy_names(parameter_set("skewed", "linear"))
    made = seams(names)
    assert names == Names("rolling_std", "linear", "skewed")
    assert own_names(contract) - {"NOTHING"} <= set(vars(made))
    assert made.spread_decide is policy("spreads", "linear").functions["spread_decide"]
    assert policy("volatility", "rolling_std").state == made.VOLATILITY_STATE
    assert policy("inventory", "skewed").record == made.INVENTORY_RECORD
    assert (made.SIGNAL_STATES, made.signals_decide) == ((), contract.signals_decide)


def own_names(module: ModuleType) -> set[str]:
    """Return the constants and functions that a module defines itself."""
    return {
        name
        for name, value in vars(module).items()
        if name.isupper() or getattr(value, "__module__", "") == module.__name__
    }


def test_generated_source_imports_from_the_seams_and_not_the_contract():
    source = rebound(STEP, {contract.__name__: "microvol_seams_of_mine"})
    assert contract.__name__ not in source
    assert "from microvol_seams_of_mine import " in source


def test_same_policies_share_one_composition_and_others_do_not():
    one, same, other = (
        compose(STEP, policy_names(p)) for p in (parameter_set(), parameter_set(), parameter_set("skewed"))
    )
    assert one is same
    assert one.step is not other.step


def test_names_of_generated_modules_are_short_and_never_shared():
    split, joined = Names("a_b", "c", "d"), Names("a", "b_c", "d")
    long = Names("v" * 60, "s" * 60, "i" * 60, ("x" * 60, "y" * 60))
    assert module_name(STEP, split) != module_name(STEP, joined)
    assert module_name(STEP, long) != module_name(STEP, long._replace(signals=("y" * 60, "x" * 60)))
    assert len(module_name(STEP, long)) < 40
    assert "rolling_std_linear_skewed" in module_name(STEP, Names("rolling_std", "linear", "skewed"))


def test_unknown_policy_is_refused():
    with pytest.raises(BadParameters, match="'cubic' is unknown"):
        compose(STEP, Names("rolling_std", "cubic", "neutral"))


def test_second_process_starts_from_the_compiled_cache():
    env = os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "0"}
    command = [sys.executable, "-c", FRESH_PROCESS]
    for _ in range(2):
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [1, 4]
