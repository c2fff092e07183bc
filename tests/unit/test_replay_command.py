"""`microvol replay` on a small lake of its own."""

import json
from pathlib import Path

import polars as pl
import pytest

from analytics.ingest.importer import import_files
from analytics.lake.store import Lake, LakeSettings
from flows.cli import run
from flows.parameters import read_parameters
from strategy.errors import BadInput
from tests.unit import market_lines as lines

PLACE = ["--venue", "binance", "--symbol", "BTC/USDT"]


@pytest.fixture(autouse=True)
def home(command_home: Path) -> Path:
    return command_home


@pytest.fixture
def recorded(home: Path) -> Path:
    with Lake.open(LakeSettings.under(home / "lake")) as lake:
        import_files(lake, [lines.write(home / "raw.log", lines.session(updates=40))], "binance", "BTC/USDT")
    return home


@pytest.mark.parametrize("window", [["--to", "2023-11-14"], ["--from", "2024-01-01T12:00"]])
def test_a_window_without_data_says_what_the_lake_holds(
    recorded: Path, capsys: pytest.CaptureFixture[str], window: list[str]
) -> None:
    assert run(["replay", "--params", "micro_vol", *PLACE, *window]) == 2
    said = "BTC/USDT on binance has no data in the window: the lake holds 2023-11-14T22:13:20 to 2023-11-14T22:13:24"
    assert said in capsys.readouterr().err


def test_an_empty_lake_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Lake.open(LakeSettings.under(home / "lake")):
        pass
    assert run(["replay", "--params", "micro_vol", *PLACE]) == 1
    assert "the lake holds nothing of BTC/USDT on binance" in capsys.readouterr().err


@pytest.mark.slow
def test_a_half_open_window_is_replayed_and_its_files_are_where_they_were_said_to_be(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    window = ["--from", "2023-11-14T22:13:21", "--to", "2023-11-14T22:13:23"]
    given = ["replay", "--params", "micro_vol", *PLACE, *window, "--driver", "reference"]
    out = recorded / "out"
    assert run([*given, "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "micro_vol on binance BTC/USDT" in shown
    assert f"files in {out}: fills.parquet" in shown
    said = json.loads((out / "replay.json").read_text())
    first, last = said["window_ns"]
    assert last - first <= 2 * 10**9 - 1
    offset = said["tape"]["clock_offset_ns"]
    stamps = pl.read_parquet(out / "samples.parquet")["ts"].dt.timestamp("ns") + offset
    assert lines.stamp(1.0) <= stamps.min()
    assert stamps.max() < lines.stamp(3.0)
    assert run(given) == 0
    (folder,) = (recorded / "replay").iterdir()
    assert folder.name.startswith("binance-BTC-USDT-20231114T2213")
    assert str(folder) in capsys.readouterr().out


def test_a_parameter_file_may_be_toml(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('schema_version = 2\n[volatility]\npolicy = "ewma"\n[quoting]\ncooldown_time = 3.0\n')
    found = read_parameters(str(file))
    assert found.quoting.cooldown_time == 3.0
    assert found.volatility["policy"] == "ewma"
    file.write_text("[quoting\n")
    with pytest.raises(BadInput, match="is not TOML"):
        read_parameters(str(file))
