"""The lake with its catalogue in PostgreSQL: the same lake, shared by machines, and no password in any text."""

import datetime as dt
import logging
import traceback
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest

from analytics.lake.settings import LakeSettings
from analytics.lake.store import Lake, migrations, run_checks
from analytics.lake.writer import sole_writer
from strategy.errors import Failed
from tests.integration.rig import wait_for
from tests.rigs import lakes
from tests.rigs.lakes import Place
from tests.rigs.postgres import PASSWORD, Database, PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HOLD = """
from analytics.lake.place import LakePlace
from analytics.lake.store import Lake
from analytics.lake.writer import sole_writer
import sys
with Lake.open(LakePlace.of().lake) as lake, sole_writer(lake):
    print("held", flush=True)
    sys.stdin.read()
"""
METRIC = {"venue": "a", "symbol": "BTC/USDT", "day": dt.date(2024, 8, 8), "version": 1, "source": "live"}
ROW = pl.DataFrame([{**METRIC, "metric": "pnl", "regime": "all", "value": 1.5}])


@pytest.fixture
def place(tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place.beyond(tmp_path, postgres.database())
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found


def database_of(place: Place) -> Database:
    port, name = (part.partition("=")[2] for part in place.settings.connection.split()[1:3])
    return Database(int(port), name)


def cut_off(postgres: PostgresServer, place: Place) -> None:
    """End every session on the lake's database, as a restart of the server does."""
    text = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database_of(place).name}'"
    postgres.sql(text, Database(postgres.port, "postgres"))


def test_a_lake_is_made_once_written_in_transactions_and_read_by_others(place):
    with Lake.open(place.settings) as writer, Lake.open(place.settings, read_only=True) as reader:
        assert reader.query("queries/schema_migrations")["number"].to_list() == [number for number, _ in migrations()]
        before = reader.snapshot_id()
        with pytest.raises(ZeroDivisionError):
            writer.atomically(lambda lake: lake.append("daily_metric", ROW) / 0)
        assert lakes.written(reader, "a").is_empty()
        writer.atomically(lambda lake: lake.append("daily_metric", ROW))
        assert lakes.written(reader, "a")["value"].to_list() == [1.5]
        assert reader.snapshot_id() == before + 1
        assert run_checks(reader) == []
        with pytest.raises(duckdb.Error, match="read-only"):
            reader.append("daily_metric", ROW)
    with Lake.open(place.settings) as lake:
        assert lake.migrate() == []


def test_two_processes_that_start_together_apply_each_migration_once(place):
    lakes.processes_that_start_together_apply_each_migration_once(place)


def test_two_writers_and_a_reader_lose_nothing(place):
    lakes.two_writers_and_a_reader_lose_nothing(place)


def test_ingest_killed_at_any_moment_loses_and_doubles_nothing(place):
    lakes.ingest_killed_at_any_moment_loses_and_doubles_nothing(place, kills=3)


def test_writers_take_turns_on_the_server_and_a_killed_one_gives_its_turn_back(place):
    with Lake.open(place.settings) as lake:
        with place.started(HOLD) as holder:
            assert lakes.line_of(holder) == "held\n"
            with pytest.raises(Failed, match="still holds the writers' lock"), sole_writer(lake, 0.2):
                pass
        with sole_writer(lake, 60.0):
            pass


def test_a_session_that_the_server_ends_is_one_line_and_the_next_work_goes_on(place, postgres):
    def cut(lake: Lake) -> None:
        lake.append("daily_metric", ROW)
        cut_off(postgres, place)

    with Lake.open(place.settings) as lake:
        with pytest.raises(Failed, match="PostgreSQL catalogue cannot be reached") as found:
            lake.atomically(cut)
        assert PASSWORD not in "".join(traceback.format_exception(found.value))
        assert lakes.written(lake, "a").is_empty()
        lake.append("daily_metric", ROW)
        assert lakes.written(lake, "a")["value"].to_list() == [1.5]


def test_no_error_and_no_log_tells_the_password(place, postgres, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    good = database_of(place)
    with Lake.open(place.settings):
        pass
    bad = {
        "password authentication failed": replace(good, password="almost-" + PASSWORD),
        "does not exist": replace(good, name="nowhere"),
        "Connection refused": replace(good, port=9),
    }
    for reason, database in bad.items():
        for written in (database.libpq, database.url()):
            settings = LakeSettings(catalog=f"postgres:{written}", data_path=tmp_path / "files")
            with pytest.raises(Failed, match=reason) as found, Lake.open(settings):
                pass
            said = "".join(traceback.format_exception(found.value)) + repr(settings) + caplog.text
            assert not any(text in said for text in (PASSWORD, "not-for-any-log"))
    with Lake.open(LakeSettings(catalog=f"postgres:{good.libpq}", data_path=tmp_path / "files")) as lake:
        cut_off(postgres, place)
        lost = wait_for(lambda: _failure(lake, postgres, place), 60, "a failed statement")
    assert "not-for-any-log" not in "".join(traceback.format_exception(lost)) + caplog.text


def _failure(lake: Lake, postgres: PostgresServer, place: Place) -> Exception | None:
    """Return how a transaction fails whose sessions are ended."""

    def work(lake: Lake) -> None:
        lake.append("daily_metric", ROW)
        cut_off(postgres, place)
        lake.append("daily_metric", ROW)

    try:
        lake.atomically(work)
    except Failed as error:
        return error
    return None


def test_commands_show_one_line_without_the_password_and_a_file_with_one_is_refused(place, tmp_path):
    assert place.command("coverage").stderr == (
        "microvol: there is no lake in the PostgreSQL catalogue; import or record something first\n"
    )
    stranger = replace(place, environment=place.environment | {"PGPASSWORD": "almost-not-for-any-log"})
    done = stranger.command("coverage")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "password authentication failed" in done.stderr
    assert "not-for-any-log" not in done.stdout + done.stderr
    written = tmp_path / "microvol.toml"
    catalog = f"postgres:{database_of(place).libpq}".replace("\\", "\\\\")
    written.write_text(f'catalog = "{catalog}"\n')
    done = replace(place, environment={**place.environment, "MICROVOL_CONFIG": str(written)}).command("coverage")
    assert (done.returncode, done.stdout) == (2, "")
    refusal = f"catalog in {written} carries a password; secrets come from the environment alone"
    assert done.stderr == f"microvol: settings: {refusal}\n"
