"""Policies from outside: how they are found, and what is refused in one line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strategy.errors import BadInput
from strategy.kernel import jit
from strategy.kernel.sources import POLICY_PATH
from strategy.policies import registry
from strategy.policies.parameters import parse_parameters
from strategy.policies.plugins import PREFIX

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "tests" / "plugin"
CONSTANT = PACKAGES / "files" / "constant.py"
TEXT = CONSTANT.read_text()
ROOMS_DIGEST = jit.KERNEL_DIGEST

FRESH_PROCESS = """
import json
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.policies.registry import policies
print(json.dumps([sorted(policies("spreads")), KERNEL_DIGEST]))
"""


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the registry of this process as it was found."""
    monkeypatch.setenv(POLICY_PATH, "")
    yield
    monkeypatch.undo()
    for name in [name for name in sys.modules if name.startswith(PREFIX)]:
        del sys.modules[name]
    registry.look_again()


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return what writes a plug-in file."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_policy_of_a_file_is_one_like_any_other():
    with pytest.raises(BadInput, match="'constant' is unknown"):
        registry.policy("spreads", "constant")
    registry.add_policy_path(CONSTANT)
    parameters = parse_parameters({"spread": {"policy": "constant"}})
    assert parameters.spread == {"policy": "constant", "width_bps": 7.0}
    with pytest.raises(BadInput, match="width_bps was -1"):
        parse_parameters({"spread": {"policy": "constant", "width_bps": -1}})


def test_folder_offers_each_of_its_files_but_those_with_an_underscore(file_of):
    file_of("first_width.py", TEXT.replace('"constant"', '"first"'))
    file_of("second_width.py", TEXT.replace('"constant"', '"second"'))
    folder = file_of("_third_width.py", "not Python").parent
    registry.add_policy_path(folder)
    assert set(registry.policies("spreads")) - set(registry.built_in("spreads")) == {"first", "second"}


def test_packages_announce_a_module_or_a_policy(monkeypatch):
    monkeypatch.syspath_prepend(str(PACKAGES))
    registry.look_again()
    assert registry.policy("spreads", "proportional").source == "an example"
    assert registry.policy("signals", "last_trade").state.names == ("side",)


def test_child_process_sees_the_same_policies_and_digest():
    registry.add_policy_path(CONSTANT)
    env = os.environ | {"PYTHONPATH": str(PACKAGES)}
    done = subprocess.run(
        [sys.executable, "-c", FRESH_PROCESS], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    names, digest = json.loads(done.stdout)
    assert {"constant", "proportional", "discrete"} <= set(names)
    assert digest not in (jit.KERNEL_DIGEST, ROOMS_DIGEST)  # it sees the package too
    alone = subprocess.run([sys.executable, "-c", FRESH_PROCESS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(alone.stdout)[1] == jit.KERNEL_DIGEST


def test_digest_and_compile_cache_follow_what_plug_ins_say_and_not_where_they_lie(file_of):
    digests = []
    for name, text in [("a/one.py", TEXT), ("b/one.py", TEXT), ("c/one.py", TEXT + "# changed\n")]:
        os.environ[POLICY_PATH] = str(file_of(name, text))
        registry.look_again()
        digests.append(jit.KERNEL_DIGEST)
        assert jit.cache_dir().name == jit.KERNEL_DIGEST[:16]
    assert digests[0] == digests[1]
    assert len({ROOMS_DIGEST, *digests}) == 3
    os.environ[POLICY_PATH] = ""
    registry.look_again()
    assert jit.KERNEL_DIGEST == ROOMS_DIGEST


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("broken.py", "POLICY = (", "cannot be loaded: SyntaxError: '\\(' was never closed"),
        ("absent.py", "import no_such_module", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("empty.py", "", "has no POLICY"),
        ("other.py", "POLICY = 7", "offers a int, it must offer a Policy"),
        ("my-width.py", TEXT, "must be named like a Python module"),
        ("taken.py", TEXT.replace('"constant"', '"linear"'), "offers spreads policy 'linear', which is there already"),
        ("named.py", TEXT.replace('"constant"', '"My Width"'), "offers name 'My Width', allowed are small letters"),
        ("kinds.py", TEXT.replace('"spreads"', '"widths"'), "offers kind 'widths', known are volatility, spreads"),
        (
            "seams.py",
            TEXT.replace('{"spread_decide"', '{"decide"'),
            "has functions decide, policies of kind spreads have spread_decide",
        ),
        (
            "model.py",
            TEXT.replace("parameters=Constant", "parameters=dict"),
            "has parameters dict, they must be PolicyParameters",
        ),
        (
            "hidden.py",
            TEXT.replace("POLICY: Final", "bound = spread_decide\ndel spread_decide\nPOLICY: Final").replace(
                ": spread_decide}", ": bound}"
            ),
            "cannot be imported as microvol_plugin_hidden.spread_decide",
        ),
    ],
)
def test_faulty_file_is_refused_in_one_line_that_names_it_and_changes_nothing(file_of, name, text, words):
    file = file_of(name, text)
    with pytest.raises(BadInput, match=words) as refused:
        registry.add_policy_path(file)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert os.environ[POLICY_PATH] == ""
    assert registry.policies("spreads") == registry.built_in("spreads")


def test_two_files_of_one_name_are_refused(file_of):
    registry.add_policy_path(file_of("a/width.py", TEXT))
    with pytest.raises(BadInput, match=r"b/width\.py has the name of .*a/width\.py"):
        registry.add_policy_path(file_of("b/width.py", TEXT.replace('"constant"', '"other"')))
    assert registry.policy("spreads", "constant").source == "an example"


def test_two_plug_ins_of_one_policy_name_are_refused(file_of):
    registry.add_policy_path(file_of("a/one.py", TEXT))
    with pytest.raises(BadInput, match="offers spreads policy 'constant', which is there already"):
        registry.add_policy_path(file_of("b/two.py", TEXT))


def test_missing_path_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"MICROVOL_POLICY_PATH names .*nothing\.py, which does not exist"):
        registry.add_policy_path(tmp_path / "nothing.py")
