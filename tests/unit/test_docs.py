"""The documents say what the program does: no command, option or setting is left out, no link leads nowhere."""

import re
import tomllib
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel

from flows import drift, notify, settings_reference
from flows.cli import app
from flows.settings import Settings, load_settings
from strategy.kernel.records import KILL_NAMES
from strategy.live.reconciliation import BOOKS
from strategy.policies.registry import KINDS, built_in
from strategy.policies.table import PAGE, policy_tables

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
HANDED_DOWN = {"MICROVOL_ROOT", "MICROVOL_VENUE_API_KEY", "MICROVOL_VENUE_SECRET"}  # set for processes of our own alone


def table_rows() -> dict[str, str]:
    return {found[1]: line for line in README.splitlines() if (found := re.match(r"\| `microvol ([a-z]+)", line))}


def commands() -> dict[str, Any]:
    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_the_table_lists_exactly_the_commands_that_exist() -> None:
    assert set(table_rows()) == set(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_option_of_a_command_stands_in_its_row_and_no_other(name: str) -> None:
    options = {flag for parameter in commands()[name].params for flag in parameter.opts if flag.startswith("--")}
    assert set(re.findall(r"`(--[a-z-]+)`", table_rows()[name])) == options - {"--help"}
    assert commands()[name].help


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda path: path.name
)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_example_lists_every_setting_with_its_default() -> None:
    given = tomllib.loads((ROOT / "microvol.example.toml").read_text())
    given["calibrate"]["hours"] = None  # TOML has no word for none: the example shows it as a comment
    expected = Settings.model_construct().model_dump(mode="json", exclude={"venues"})
    assert given == expected


def test_the_page_of_settings_is_what_the_models_say() -> None:
    assert settings_reference.PAGE.read_text() == settings_reference.page(), "run python -m flows.settings_reference"


def test_every_setting_says_what_it_means() -> None:
    for path, table in [((), Settings), *settings_reference.tables()]:
        silent = [each.name for each in settings_reference.settings_in(table) if not each.description]
        assert silent == [], ".".join(path)


@pytest.mark.parametrize("path", ["ports.paper_admin", "study.objective.also", "lake.keep_days.depth"])
def test_the_variable_of_a_setting_sets_it(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"study.objective.also": '["pnl"]'}.get(path, "77")
    monkeypatch.setenv(settings_reference.variable(path.split(".")), given)
    found = reduce(getattr, path.split("."), load_settings())
    assert found == (("pnl",) if path.endswith("also") else 77)


def test_every_variable_that_the_program_reads_stands_on_the_page_of_settings() -> None:
    rooms = [ROOT / room for room in ("flows", "analytics", "strategy")]
    code = "".join(path.read_text() for room in rooms for path in room.rglob("*.py"))
    read = set(re.findall(r"\"(MICROVOL_[A-Z_]+[A-Z])\"", code)) - HANDED_DOWN
    assert read
    page = settings_reference.PAGE.read_text()
    assert [name for name in sorted(read) if f"`{name}`" not in page] == []


def runbook() -> dict[str, str]:
    """Return the sections of the runbook by the event that each is about."""
    sections = re.split(r"^## `([^`]+)`$", (ROOT / "docs" / "runbook.md").read_text(), flags=re.MULTILINE)
    return dict(zip(sections[1::2], sections[2::2], strict=True))


def test_the_runbook_has_a_section_for_every_alert_and_no_other() -> None:
    assert sorted(runbook()) == sorted(event for events in notify.KINDS.values() for event in events)


@pytest.mark.parametrize("event", sorted(runbook()))
def test_a_section_of_the_runbook_says_what_it_means_where_to_look_and_what_to_do(event: str) -> None:
    assert re.findall(r"^\*\*(Means|Look|Do)\*\*: ", runbook()[event], re.MULTILINE) == ["Means", "Look", "Do"]


def test_the_program_tells_no_alert_that_the_runbook_does_not_know() -> None:
    code = "".join(path.read_text() for path in (ROOT / "flows").rglob("*.py"))
    found = set(re.findall(r"(?:Found|alert|tell)\(\s*(?:\w+, )*\"([a-z_.]+)\"", code)) | {drift.EVENT}
    assert found == set(runbook())


def rows(section: str) -> set[str]:
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


def test_the_runbook_explains_every_cause_of_a_kill() -> None:
    assert rows(runbook()["kill"]) == {*KILL_NAMES[1:], BOOKS}


def test_the_runbook_explains_every_check_of_the_lake() -> None:
    assert rows(runbook()["check.failed"]) == {path.stem for path in (ROOT / "sql" / "checks").glob("*.sql")}


def test_every_target_of_the_makefile_is_explained() -> None:
    targets = re.findall(r"^([a-z-]+):(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [name for name, rest in targets if "##" not in rest] == []


def test_settings_tables_are_all_closed() -> None:
    sections = [field.annotation for field in Settings.model_fields.values()]
    models = [section for section in sections if isinstance(section, type) and issubclass(section, BaseModel)]
    assert models
    assert all(model.model_config.get("extra") == "forbid" for model in models)


def test_the_page_of_policies_is_what_the_registry_says() -> None:
    assert PAGE.read_text() == policy_tables(built_in), "run python -m strategy.policies.table"


@pytest.mark.parametrize("name", sorted(name for kind in KINDS for name in built_in(kind)))
def test_every_parameter_of_a_policy_is_explained(name: str) -> None:
    (policy,) = (built_in(kind)[name] for kind in KINDS if name in built_in(kind))
    found = re.search(rf"^### `{name}`$(.*?)^##", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    own = set(policy.parameters.model_fields) - {"vol_sampling_interval"}
    assert set(re.findall(r"^\| `(\w+)` \|", found[1], re.MULTILINE)) == own
    assert all(field.description for field in policy.parameters.model_fields.values())
