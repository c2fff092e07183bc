"""Policies of a package outside, used by kernel and replay without a line of the program knowing them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from strategy.kernel.sources import POLICY_PATH

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests" / "plugin"

DECIDED_WIDTH = """
import json
from strategy.kernel.records import CONTEXT, REGIMES, SPREAD
from strategy.policies.composition import compose, policy_names
from strategy.policies.registry import policy
from tests.unit.kernel_samples import parameter_set, records
chosen = policy("spreads", "constant")
params = records(chosen.record)
chosen.pack(chosen.parameters(), params)
bid_bps = compose("tests.plugin.template", policy_names(parameter_set(spread="constant"))).bid_bps
width = bid_bps(params, records(REGIMES), records(CONTEXT), records(SPREAD))
print(json.dumps([width, sum(bid_bps.stats.cache_hits.values())]))
"""


def run(*arguments: str, **environment: str) -> str:
    """Run Python in a fresh process that finds the repository and the sample package, and return what it prints."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(PLUGINS)])} | environment
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_width_and_signal_of_a_package_decide_in_kernel_and_replay():
    found = json.loads(run("-m", "tests.plugin.session", NUMBA_DISABLE_JIT="1"))
    sigma, bid_bps, ask_bps, shift_bps = found["hand"]
    assert (bid_bps, ask_bps) == pytest.approx((3e4 * sigma, 3e4 * sigma), rel=1e-12)
    assert shift_bps == pytest.approx(2.0, abs=1e-9)
    replayed = found["replay"]
    assert replayed["agree"] is True
    assert replayed["decisions"] > 100
    assert replayed["fills"] > 10
    assert replayed["last"][1] == pytest.approx(3e4 * replayed["last"][0], rel=1e-12)
    assert abs(replayed["last"][3]) > 0.5


@pytest.mark.slow
def test_compiled_code_gives_identical_numbers():
    plain, compiled = (run("-m", "tests.plugin.session", NUMBA_DISABLE_JIT=off) for off in ("1", "0"))
    assert json.loads(plain) == json.loads(compiled)


def test_compiled_code_follows_a_change_of_the_plug_in_and_is_found_again(tmp_path):
    text, found = (PLUGINS / "files" / "constant.py").read_text(), []
    file = tmp_path / "constant.py"
    environment = {POLICY_PATH: str(file), "MICROVOL_JIT_CACHE": str(tmp_path / "jit"), "NUMBA_DISABLE_JIT": "0"}
    for scale in ("1.0", "2.0", "2.0"):
        file.write_text(text.replace("SCALE: Final = 1.0", f"SCALE: Final = {scale}"))
        found.append(json.loads(run("-c", DECIDED_WIDTH, **environment)))
    assert found == [[7.0, 0], [14.0, 0], [14.0, 1]]


@pytest.mark.slow
def test_study_searches_what_the_package_declares():
    found = json.loads(run("-m", "tests.plugin.study", NUMBA_DISABLE_JIT="0"))
    assert "spread.sigmas" in found["searched"]
    assert (found["spread"], found["signals"]) == ("proportional", ["last_trade", "imbalance"])
    low, high = sorted(found["sigmas"])
    assert 0.5 <= low < high <= 10.0
