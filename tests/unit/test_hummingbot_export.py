"""What `microvol export hummingbot` writes: the kernel's numbers in plain Python, and files that stand alone."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from analytics.export.hummingbot.files import export_hummingbot
from analytics.export.hummingbot.strategy_module import strategy_source
from analytics.registry.registry import Registry
from flows.cli import run
from strategy.errors import BadInput
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.kernel.records import CANCEL, PLACE, TAKE
from strategy.policies.document import Instrument, ParameterDocument
from strategy.policies.parameters import ParameterSet
from tests.unit.hummingbot_streams import compared, exported, records, sample_set
from tests.unit.kernel_samples import BTC
from tests.unit.registry_documents import document_with

ROOT = Path(__file__).resolve().parents[2]
STREAMS = "tests.unit.hummingbot_streams"
# The fields of MarketMakingControllerConfigBase in hummingbot 20260922; `make test-hummingbot` asks it.
HUMMINGBOT = [
    "id", "controller_name", "controller_type", "total_amount_quote", "manual_kill_switch", "initial_positions",
    "connector_name", "trading_pair", "buy_spreads", "sell_spreads", "buy_amounts_pct", "sell_amounts_pct",
    "executor_refresh_time", "cooldown_time", "leverage", "position_mode", "stop_loss", "take_profit", "time_limit",
    "take_profit_order_type", "trailing_stop", "position_rebalance_threshold_pct", "skip_rebalance",
]  # fmt: skip


def document(parameters: ParameterSet, instrument: Instrument = BTC, version: int = 3) -> ParameterDocument:
    return ParameterDocument(version=version, instrument=instrument, parameters=parameters, kernel_digest=KERNEL_DIGEST)


def config(folder: Path, parameters: ParameterSet) -> dict[str, Any]:
    *_, path = export_hummingbot(document(parameters), "binance", folder)
    return dict(yaml.safe_load(path.read_text()))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_module_decides_as_the_kernel_does_to_the_last_bit() -> None:
    rebalanced = {"position_rebalance_threshold_pct": 0.3, "buy_spreads": [1], "sell_spreads": [1, 2]}
    found = compared(sample_set("rolling_std", "linear", "skewed", quoting=rebalanced), 3000)
    assert found.difference == ""
    assert found.regimes == {0, 1, 2, 3, 4}
    assert found.kinds == {PLACE, CANCEL, TAKE}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_policy_decides_without_the_compiler_as_in_the_kernel() -> None:
    done = subprocess.run(
        [sys.executable, "-m", STREAMS],
        cwd=ROOT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(": equal\n") == 30


def test_the_module_runs_without_microvol_numpy_and_numba(tmp_path: Path) -> None:
    export_hummingbot(document(sample_set("ewma", "pchip", "balanced")), "binance", tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from controllers.market_making.micro_vol_strategy import Quoting, checked\n"
        "print({'numpy', 'numba', 'pydantic', 'strategy', 'analytics'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_exported_files_import_nothing_but_hummingbot_and_each_other(tmp_path: Path) -> None:
    files = export_hummingbot(document(sample_set("ewma", "pchip", "balanced")), "binance", tmp_path)
    modules = set()
    for path in files[:-1]:
        for node in ast.walk(ast.parse(path.read_text())):
            modules |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
            modules |= {each.name for each in node.names} if isinstance(node, ast.Import) else set()
    foreign = {module.partition(".")[0] for module in modules} - set(sys.stdlib_module_names)
    assert foreign == {"hummingbot", "pydantic", "controllers"}
    beside = {module.rpartition(".")[2] for module in modules if module.startswith("controllers.")}
    assert beside <= {path.stem for path in files}


def test_the_configuration_holds_every_field_of_hummingbot_and_of_the_controller(tmp_path: Path) -> None:
    fields = config(tmp_path, sample_set("garch", "range", "buy_only"))
    tree = ast.parse((tmp_path / "controllers" / "market_making" / "micro_vol.py").read_text())
    (own,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "MicroVolConfig")
    names = {
        each.target.id for each in own.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    assert set(fields) == {*HUMMINGBOT, *names}
    assert fields["kernel_digest"] == KERNEL_DIGEST
    assert fields["trading_pair"] == "BTC-FDUSD"


def test_the_module_reads_the_file_as_the_parameters_that_were_packed(tmp_path: Path) -> None:
    parameters = sample_set("rolling_std", "pchip", "skewed")
    fields = config(tmp_path, parameters)
    module = exported(parameters)
    packed = records(parameters)
    standard = {group: packed[group] for group in ("quoting", "barriers")}
    assert module.checked(fields["strategy"] | standard) == module.checked(packed)


def test_barriers_and_rebalancing_stand_in_hummingbots_own_fields(tmp_path: Path) -> None:
    barriers = {
        "take_profit": 0.002,
        "time_limit": 90.2,
        "trailing_stop_activation": 0.01,
        "trailing_stop_delta": 0.004,
    }
    quoting = {"position_rebalance_threshold_pct": 0.25}
    fields = config(tmp_path, sample_set("ewma", "discrete", "neutral", barriers=barriers, quoting=quoting))
    assert (fields["take_profit"], fields["stop_loss"], fields["time_limit"]) == (0.002, None, 91)
    assert fields["trailing_stop"] == {"activation_price": 0.01, "trailing_delta": 0.004}
    assert (fields["skip_rebalance"], fields["position_rebalance_threshold_pct"]) == (False, 0.25)
    assert config(tmp_path, sample_set("ewma", "discrete", "neutral"))["skip_rebalance"] is True


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"regimes": {}}, "regimes has missing or unknown fields"),
        ({"spread": {"policy": "wide"}}, "spread.policy was 'wide', known are"),
        ({"surprise": {}}, "parameters are missing, or unknown: surprise"),
    ],
)
def test_a_faulty_configuration_is_named(change: dict[str, Any], why: str) -> None:
    parameters = sample_set("ewma", "discrete", "neutral")
    with pytest.raises(ValueError, match=why):
        exported(parameters).checked(records(parameters) | change)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1.5, "2", [1, 2]])
def test_a_number_that_cannot_be_is_named(value: Any) -> None:
    parameters = sample_set("ewma", "discrete", "neutral")
    given = records(parameters)
    given["volatility"]["min_samples"] = value
    with pytest.raises(ValueError, match=r"volatility\.min_samples was .*, it must be a"):
        exported(parameters).checked(given)


def test_a_market_that_is_not_spot_is_refused(tmp_path: Path) -> None:
    futures = BTC.model_copy(update={"symbol": "BTC/USDT:USDT"})
    with pytest.raises(BadInput, match="symbol was BTC/USDT:USDT, the Hummingbot controller is for spot markets"):
        export_hummingbot(document(ParameterSet(), futures), "binance_perpetual", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_the_rooms_do_not_define_is_refused() -> None:
    with pytest.raises(BadInput, match=r"strategy\.kernel\.records uses 'NOTHING_LIKE_IT'"):
        strategy_source(ParameterSet(), [("strategy.kernel.records", "NOTHING_LIKE_IT")])


def test_what_needs_numpy_cannot_be_exported() -> None:
    with pytest.raises(BadInput, match="which plain Python has not"):
        strategy_source(ParameterSet(), [("strategy.kernel.book", "new_book")])


def test_exporting_again_replaces_the_file_in_one_step(tmp_path: Path) -> None:
    first = config(tmp_path, sample_set("ewma", "discrete", "neutral"))
    second = config(tmp_path, sample_set("ewma", "linear", "skewed"))
    assert (first["strategy"]["spread"]["policy"], second["strategy"]["spread"]["policy"]) == ("discrete", "linear")
    assert [path.name for path in (tmp_path / "conf" / "controllers").iterdir()] == ["micro_vol_BTC-FDUSD.yml"]


def test_the_command_writes_a_document_and_says_what_to_know(
    tmp_path: Path, command_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "params.json", tmp_path / "bot"
    file.write_bytes(document(ParameterSet()).to_json())
    assert run(["export", "hummingbot", "--params", str(file), "--out", str(out)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "volatility.vol_sampling_interval is 0" in said
    assert yaml.safe_load((out / "conf" / "controllers" / "micro_vol_BTC-FDUSD.yml").read_text())["version"] == 3


@pytest.mark.slow
def test_the_command_writes_a_registered_version_or_the_champion(tmp_path: Path, command_home: Path) -> None:
    registry = Registry(f"sqlite:///{command_home}/mlflow/mlflow.db")
    for refresh_s in (7.0, 9.0):
        registry.register(document_with(refresh_s), None, "a version", {})
    registry.point("paper", "BTC/FDUSD", "champion", 1)
    place = ["--venue", "paper", "--symbol", "BTC/FDUSD", "--out", str(tmp_path / "bot")]
    path = tmp_path / "bot" / "conf" / "controllers" / "micro_vol_BTC-FDUSD.yml"
    assert run(["export", "hummingbot", "--version", "2", "--connector", "kucoin", *place]) == 0
    fields = yaml.safe_load(path.read_text())
    assert (fields["version"], fields["executor_refresh_time"], fields["connector_name"]) == (2, 9.0, "kucoin")
    assert run(["export", "hummingbot", *place]) == 0
    assert yaml.safe_load(path.read_text())["version"] == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["hummingbot", "--from", "2026-01-31"], "--from was 2026-01-31: hummingbot exports a version, not a window"),
        (["parquet", "--version", "3"], "--version was 3: only hummingbot exports a version"),
        (["hummingbot", "--params", "nowhere.json"], "parameter file nowhere.json does not exist"),
        (["hummingbot", "--params", "a.json", "--version", "1"], "--params was a.json and --version 1: name one"),
        (["csv"], "--format was csv, it must be hftbacktest or parquet"),
    ],
)
def test_bad_usage_is_one_line(
    arguments: list[str], why: str, command_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", *arguments, "--out", "out"]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.slow
def test_a_policy_of_a_plug_in_goes_along() -> None:
    code = (
        "from tests.unit.hummingbot_streams import compared\n"
        "from tests.unit.kernel_samples import parameter_set\n"
        "print(compared(parameter_set(spread={'policy': 'constant', 'width_bps': 2.5}), 300))"
    )
    plugged = {"NUMBA_DISABLE_JIT": "1", "MICROVOL_POLICY_PATH": str(ROOT / "tests" / "plugin" / "files")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | plugged, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("Compared(difference='',"), done.stderr
