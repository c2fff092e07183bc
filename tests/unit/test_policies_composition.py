import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from strategy.errors import BadParameters
from strategy.kernel import contract
from strategy.policies.composition import STEP, bindings, compose, policy_names, rebound
from tests.unit.kernel_samples import parameter_set

ROOT = Path(__file__).resolve().parents[2]

FRESH_PROCESS = """
import json, time
begun = time.perf_counter()
from tests.unit.kernel_samples import Hand, parameter_set
hand = Hand(parameter_set())
hand.book(5_999_999, 6_000_001, fresh=True)
stats = hand.stepper._step.stats
print(json.dumps([sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), time.perf_counter() - begun]))
"""


def test_every_seam_of_the_contract_is_bound():
    names = policy_names(parameter_set("skewed", "linear"))
    seams = {name for name, value in vars(contract).items() if getattr(value, "__module__", "") == contract.__name__}
    assert names == ("rolling_std", "linear", "skewed")
    assert set(bindings(names)) == seams
    assert bindings(names)["spread_decide"] == ("strategy.policies.spreads.linear", "spread_decide")


def test_generated_source_names_the_policies_and_not_the_contract():
    source = rebound(STEP, {contract.__name__: bindings(("rolling_std", "linear", "skewed"))})
    assert contract.__name__ not in source
    assert "from strategy.policies.inventory.skewed import inventory_decide as inventory_decide" in source


def test_same_policies_share_one_composition_and_others_do_not():
    one, same, other = (
        compose(STEP, policy_names(p)) for p in (parameter_set(), parameter_set(), parameter_set("skewed"))
    )
    assert one is same
    assert one.step is not other.step


def test_unknown_policy_is_refused():
    with pytest.raises(BadParameters, match="'cubic' is unknown"):
        compose(STEP, ("rolling_std", "cubic", "neutral"))


def test_second_process_starts_from_the_compiled_cache():
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", FRESH_PROCESS]
    for _ in range(2):
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
        hits, misses, seconds = json.loads(done.stdout)
    assert (hits, misses) == (1, 0)
    assert seconds < 10  # 0.7 s on an idle machine; compiling alone takes longer than this
