"""Gates where people meet them: promote with and without --override, the table of one version's gates."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analytics.gates.verdicts import Verdict
from analytics.registry.promotion import Move, Promotion, move_champion
from analytics.registry.registry import VERSION_SCHEMA
from flows import rooms
from flows.cli import run
from tests.unit.test_promotion import BAD, GOOD, SILENT, FakeRegistry

VERDICT = Verdict("edge", False, -1.25, 0.0, "edge held out, bps >")


class FakeRooms(FakeRegistry):
    """A registry with the door that flows use."""

    def promote(self, venue: str, symbol: str, version: int | None, **asked: Any) -> Promotion:
        who = asked.pop("who", None)
        return move_champion(self, Move(venue=venue, symbol=symbol, what="promote", who=who, **asked), version)

    def versions(self, venue: str, symbol: str) -> pl.DataFrame:
        first = dict.fromkeys(VERSION_SCHEMA) | {"version": 1, "description": "winner of 30 trials", "who": "ada"}
        return pl.DataFrame([first], schema=VERSION_SCHEMA)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    monkeypatch.setenv("MICROVOL_PREFECT_API_URL", "http://127.0.0.1:9/api")
    return tmp_path


def registry_with(monkeypatch: pytest.MonkeyPatch, *gates: dict[str, Any]) -> FakeRooms:
    registry = FakeRooms(gates)
    monkeypatch.setattr(rooms, "registry", lambda settings: registry)
    return registry


def audited(home: Path) -> str:
    (file,) = (home / "audit").iterdir()
    return file.read_text()


def test_promote_stops_at_a_failed_gate_with_exit_1_and_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = registry_with(monkeypatch, GOOD, BAD)
    assert run(["promote", "--reason", "better"]) == 1
    (line,) = [each for each in capsys.readouterr().err.splitlines() if each.startswith("microvol: ")]
    assert "version 1 is blocked by gate edge: -1.25 (edge held out, bps > 0)" in line
    assert registry.moved == {"challenger": 1}
    assert '"what":"refused"' in audited(home)


def test_promote_with_an_override_goes_on_and_leaves_the_reason_in_the_audit(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = registry_with(monkeypatch, GOOD, BAD)
    assert run(["promote", "--reason", "better", "--override", "the edge is known"]) == 0
    assert "version none -> 1" in capsys.readouterr().out
    assert registry.moved == {"champion": 1}
    assert '"override":"the edge is known","gates":["gate edge: -1.25' in audited(home)


def test_an_empty_override_is_bad_input(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry_with(monkeypatch, GOOD, BAD)
    assert run(["promote", "--reason", "better", "--override", ""]) == 2


@pytest.mark.parametrize(("required", "code"), [("true", 1), ("false", 0)])
def test_gates_without_data_block_where_the_settings_require_all(
    home: Path, monkeypatch: pytest.MonkeyPatch, required: str, code: int
) -> None:
    monkeypatch.setenv("MICROVOL_GATES__REQUIRE_ALL", required)
    registry_with(monkeypatch, GOOD, SILENT)
    assert run(["promote", "--reason", "better"]) == code


def test_versions_shows_the_registry_a_line_a_version(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry_with(monkeypatch, GOOD)
    assert run(["versions"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 6  # a title, a head of three lines, one line a version, the end
    assert re.search(r"│ +1 │ .* ada ", shown[4])


def test_versions_shows_one_versions_gates_with_number_threshold_and_why(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry_with(monkeypatch, GOOD, VERDICT.as_dict(), SILENT)
    assert run(["versions", "--version", "1"]) == 0
    shown = capsys.readouterr().out
    assert all(
        word in shown
        for word in ("passed", "failed", "not applicable", "-1.25", "needs 1 days held out", "winner of 30")
    )


def test_a_wrong_threshold_is_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MICROVOL_GATES__OVERFITTING_BLOCKS", "7")
    assert run(["status"]) == 2
    assert "gates.overfitting_blocks was '7': input should be a multiple of 2" in capsys.readouterr().err
