"""docs/formats.md names every kind of line, every field and every column that the program writes, and no other."""

import inspect
import re
from pathlib import Path

from analytics.lake.store import Lake, LakeSettings
from strategy.live.doors import LiveStatus
from strategy.live.journal import JournalWriter
from strategy.policies.document import Instrument, ParameterDocument
from strategy.policies.parameters import ParameterSet

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text()


def rows(title: str) -> list[list[str]]:
    """Return the cells of the tables in a section, heads left out."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    tables = re.findall(r"^\| (.*) \|$", section, re.MULTILINE)
    return [row.split(" | ") for row in tables if row.startswith("`") and not row.startswith("`t`")]


def names(text: str) -> set[str]:
    return set(re.findall(r"`([a-z_0-9]+)`", text))


def test_every_kind_of_a_journals_lines_is_named() -> None:
    kinds = set(re.findall(r'self\._write\(.*?, "(\w+)"', inspect.getsource(JournalWriter)))
    assert len(kinds) > 5
    assert {row[0].strip("`") for row in rows("Journals")} == kinds


def test_every_field_of_a_status_is_named() -> None:
    assert set.union(*(names(row[0]) for row in rows("Status"))) == set(LiveStatus.model_fields)


def test_every_field_of_a_parameter_file_is_named() -> None:
    said = {row[0].strip("`"): row[1] for row in rows("Parameters")}
    assert set(said) == set(ParameterDocument.model_fields)
    for field, model in (("instrument", Instrument), ("parameters", ParameterSet)):
        assert all(name in said[field] for name in model.model_fields), field


def test_every_table_of_the_lake_is_named_with_all_its_columns(tmp_path: Path) -> None:
    asked = "select table_name, column_name from duckdb_columns() where database_name = 'lake' and not internal"
    held: dict[str, set[str]] = {}
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        for table, column in lake._connection.execute(asked).fetchall():
            held.setdefault(table, set()).add(column)
    assert {row[0].strip("`"): names(row[2]) for row in rows("The lake")} == held
