"""Policies of a package outside, used by kernel and replay without a line of the program knowing them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from strategy.kernel.sources import POLICY_PATH

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests" / "plugin"

DECIDED_WIDTH = """
import json
from strategy.policies.composition import compose, policy_names
from tests.unit.kernel_samples import Hand, parameter_set
hand = Hand(parameter_set(spread="constant", volatility={"policy": "rolling_std", "min_samples": 2}))
for i in range(4):
    hand.book(5_999_000 + i, 6_001_000 + i, fresh=i == 0)
call = compose("strategy.kernel.step", policy_names(hand.stepper._parameters))
hand.feed(11, flag=1)
hand.feed(11, flag=0)
print(json.dumps([float(hand.stepper.decision["bid_bps"]), call.__name__, call.__file__]))
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


@pytest.mark.slow
def test_compiled_code_follows_a_change_of_the_plug_in(tmp_path):
    file, widths, modules = tmp_path / "constant.py", [], set()
    text = (PLUGINS / "files" / "constant.py").read_text()
    for scale in ("1.0", "2.0", "2.0", "1.0"):
        file.write_text(text.replace("SCALE: Final = 1.0", f"SCALE: Final = {scale}"))
        width, _, path = json.loads(run("-c", DECIDED_WIDTH, **{POLICY_PATH: str(file)}))
        widths.append(width)
        modules.add(path)
    assert widths == [7.0, 14.0, 14.0, 7.0]
    assert len(modules) == 2  # each source has a cache of its own, which is found again
