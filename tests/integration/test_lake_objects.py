"""The lake with its files in an object store: by settings alone, and nothing of it on this machine's disk."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from analytics.care.upkeep import CareSettings, care
from analytics.ingest.importer import import_files
from analytics.lake.settings import LakeSettings
from analytics.lake.store import Lake
from analytics.research import Research
from strategy.errors import BadInput, Failed
from tests.rigs import lakes
from tests.rigs.lakes import Place
from tests.rigs.objects import SECRET, ObjectStore
from tests.rigs.postgres import PostgresServer
from tests.unit import market_lines as lines

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MARKET = ("--venue", "binance", "--symbol", "BTC/USDT")


@pytest.fixture
def place(tmp_path: Path, postgres: PostgresServer, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place.beyond(tmp_path / "home", postgres.database(), objects)
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found


def test_commands_and_a_notebook_work_by_settings_alone_and_leave_no_file_here(place, tmp_path, monkeypatch):
    written = tmp_path / "microvol.toml"
    store = f'lake_data = "{place.settings.data_path}"\nlake_endpoint = "{place.settings.endpoint}"\n'
    written.write_text(f'home = "{place.home}"\ncatalog = "{place.settings.catalog}"\n{store}')
    secrets = {name: value for name, value in place.environment.items() if not name.startswith("MICROVOL")}
    told = replace(place, environment={**secrets, "MICROVOL_CONFIG": str(written)})
    done = told.command("import", str(recorded(tmp_path, 0)), *MARKET)
    assert done.returncode == 0, done.stderr
    with Lake.open(place.settings) as lake:
        import_files(lake, [recorded(tmp_path, 10)], "binance", "BTC/USDT")
        care(lake, CareSettings(1, 1), [], dt.datetime.now(dt.UTC) + dt.timedelta(days=4))
        (file,) = lake.query("care/table_paths", table="depth_update")["data_file"].to_list()
    assert "1402" in told.command("coverage").stdout
    assert file.startswith(place.settings.data_path)
    monkeypatch.setenv("MICROVOL_CONFIG", str(written))
    with Research() as research:
        assert research.trades("binance", "BTC/USDT", start="2023-11-01", end="2023-12-01").height == 1400
    assert list(place.home.rglob("*.parquet")) == []


def recorded(folder: Path, minute: int) -> Path:
    """Write a file of 701 updates and 700 trades that begins at a minute."""
    whole = lines.session(60.0 * minute, 700, 10_000 * (minute + 1), 1_000 * minute)
    return lines.write(folder / f"{minute}.log", whole)


def test_ingest_killed_at_any_moment_loses_and_doubles_nothing(place):
    lakes.ingest_killed_at_any_moment_loses_and_doubles_nothing(place, kills=3)


def test_a_catalogue_in_a_file_goes_with_an_object_store_too(place, objects, tmp_path):
    settings = LakeSettings.chosen(tmp_path / "lake", data=objects.folder(), endpoint=objects.endpoint)
    with Lake.open(settings) as lake:
        assert lake.query("care/table_paths", table="schema_migration").height == 1
    assert [path.name for path in (tmp_path / "lake").iterdir()] == ["catalog.sqlite"]


def test_a_key_that_is_wrong_or_missing_is_one_line_without_it(place, monkeypatch):
    with Lake.open(place.settings):
        pass
    wrong = replace(place, environment=place.environment | {"AWS_SECRET_ACCESS_KEY": "almost-" + SECRET})
    done = wrong.command("import", __file__, *MARKET)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "microvol: the lake's object store failed: HTTP Error" in done.stderr
    assert "403 Forbidden" in done.stderr
    assert SECRET not in done.stderr
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(BadInput, match=r"no key for s3://.*: set AWS_SECRET_ACCESS_KEY in the environment"):
        Lake.open(place.settings, read_only=True).__enter__()


def test_a_store_that_does_not_answer_is_one_line(place):
    with Lake.open(place.settings):
        pass
    gone = place.settings.model_copy(update={"endpoint": "http://127.0.0.1:9"})
    with pytest.raises(Failed, match="the lake's object store failed"), Lake.open(gone, read_only=True) as lake:
        lake.query("queries/schema_migrations")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"catalog": "mysql:host=x"}, "settings: catalog must be sqlite:FILE or postgres:CONNECTION STRING"),
        ({"data": "gs://bucket/x"}, "settings: lake_data was gs://bucket/x, it must be a folder or s3://BUCKET/FOLDER"),
        ({"endpoint": "host:1"}, "settings: lake_endpoint was host:1, it must begin with http:// or https://"),
    ],
)
def test_a_place_that_is_none_is_one_line_that_names_the_setting(tmp_path, given, line):
    with pytest.raises(BadInput) as found:
        LakeSettings.chosen(tmp_path, **given)
    assert str(found.value) == line
