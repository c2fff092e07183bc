import pytest

from analytics.study.search import SpaceSettings
from analytics.study.searched import searched
from analytics.study.space_file import read_space
from strategy.errors import BadInput
from strategy.policies.parameters import ParameterSet

SETTINGS = SpaceSettings(ranges={"quoting.cooldown_time": (0.0, 9.0)})


def read(tmp_path, text: str) -> SpaceSettings:
    path = tmp_path / "space.toml"
    path.write_text(text)
    return read_space(path, SETTINGS)


def names(space: SpaceSettings) -> set[str]:
    ordered, scalars = searched(ParameterSet(), space)
    return {*ordered, *(each.name for each in scalars)}


def test_a_file_switches_on_and_off_and_narrows(tmp_path):
    text = """
    spread_bps = [0.5, 20.0]
    [parameters]
    "quoting.cooldown_time" = false
    "quoting.executor_refresh_time" = [5, 60]
    "regimes.spreads" = false
    "risk.min_depth_lots" = [0, 5]
    """
    text = text.replace("risk.min_depth_lots", "quoting.order_qty").replace("[0, 5]", "[0.001, 0.01]")
    space = read(tmp_path, text)
    assert space.spread_bps == (0.5, 20.0)
    assert space.ranges == {"quoting.executor_refresh_time": (5, 60), "quoting.order_qty": (0.001, 0.01)}
    assert names(space) == {"regimes.thresholds", "quoting.executor_refresh_time", "quoting.order_qty"}


def test_without_a_switch_the_settings_stand(tmp_path):
    assert read(tmp_path, "") == SETTINGS


def test_a_pattern_switches_off_all_that_it_switched_on(tmp_path):
    space = read(tmp_path, '[parameters]\n"spread.*" = false\n')
    assert names(space) == {"quoting.cooldown_time", "quoting.executor_refresh_time"}


def test_what_the_settings_switched_off_a_file_switches_on(tmp_path):
    path = tmp_path / "space.toml"
    path.write_text('[parameters]\n"quoting.cooldown_time" = true\n')
    space = read_space(path, SpaceSettings(without=("quoting.cooldown_time",)))
    assert "quoting.cooldown_time" in names(space)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trials = 3", "space.toml: trials was 3: it is unknown, known are"),
        ("parameters = 3", "parameters was 3, it must be a table"),
        ("[parameters", "space.toml is not TOML"),
        ('[parameters]\n"quoting.cooldown_time" = 4', "parameters.quoting.cooldown_time was 4, it must be true, false"),
        ('[parameters]\n"quoting.cooldown_time" = [4]', r"parameters.quoting.cooldown_time was \[4\], it must be"),
        ('[parameters]\n"quoting.cooldown_time" = [9, 4]', "quoting.cooldown_time was 9.0 to 4.0, it must ascend"),
        ("without = []", "without is not taken here"),
        ("curve_points = 1", "curve_points was 1"),
    ],
)
def test_a_fault_is_one_line_that_names_file_and_value(tmp_path, text, said):
    with pytest.raises(BadInput, match=said) as fault:
        read(tmp_path, text)
    assert str(tmp_path / "space.toml") in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"space file .*none.toml does not exist"):
        read_space(tmp_path / "none.toml", SETTINGS)


def test_switching_off_what_the_set_does_not_have_is_bad_input():
    with pytest.raises(BadInput, match=r"search.without named spread.gamma, which the set does not have"):
        searched(ParameterSet(), SpaceSettings(without=("spread.gamma",)))
