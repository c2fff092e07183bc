import datetime as dt

import duckdb
import polars as pl
import pytest

from analytics.lake import retry
from analytics.lake.store import Lake, LakeSettings, migrations, run_checks
from analytics.lake.writer import sole_writer
from strategy.errors import BadInput, Failed


def metric(value: float, day: int = 1) -> pl.DataFrame:
    row = {"venue": "paper", "symbol": "BTC/USDT", "day": dt.date(2024, 8, day), "version": 1, "source": "live"}
    return pl.DataFrame([{**row, "metric": "pnl", "regime": "all", "value": value}])


def values(lake: Lake) -> list[float]:
    days = {"first_day": dt.date(2024, 8, 1), "last_day": dt.date(2024, 8, 31)}
    return lake.query("queries/daily_metrics", venue="paper", symbol="BTC/USDT", **days)["value"].to_list()


@pytest.fixture
def settings(tmp_path):
    return LakeSettings.under(tmp_path / "lake")


def test_a_new_lake_has_every_migration_once_and_a_second_opening_adds_nothing(settings):
    with Lake.open(settings) as lake:
        snapshot = lake.snapshot_id()
        assert lake.query("queries/schema_migrations")["number"].to_list() == [number for number, _ in migrations()]
    with Lake.open(settings) as lake:
        assert lake.migrate() == []
        assert lake.snapshot_id() == snapshot


def test_rows_appended_by_one_connection_are_read_by_another(settings):
    with Lake.open(settings) as writer, Lake.open(settings, read_only=True) as reader:
        before = reader.snapshot_id()
        assert writer.append("daily_metric", metric(1.5)) == 1
        assert values(reader) == [1.5]
        assert reader.snapshot_id() > before


def test_columns_are_matched_by_name_and_a_missing_one_is_refused(settings):
    with Lake.open(settings) as lake:
        lake.append("daily_metric", metric(2.0).select(reversed(metric(2.0).columns)))
        assert values(lake) == [2.0]
        with pytest.raises(duckdb.BinderException, match="value"):
            lake.append("daily_metric", metric(3.0).drop("value"))


def test_a_transaction_that_fails_leaves_nothing(settings):
    def fail(lake: Lake) -> None:
        with lake.transaction():
            lake.append("daily_metric", metric(1.0))
            raise ZeroDivisionError

    with Lake.open(settings) as lake:
        with pytest.raises(ZeroDivisionError):
            fail(lake)
        assert values(lake) == []
        lake.append("daily_metric", metric(2.0))
        assert values(lake) == [2.0]


def test_work_is_run_again_from_its_start_when_the_catalogue_was_locked(settings):
    attempts = []

    def work(lake: Lake) -> None:
        attempts.append(1)
        lake.append("daily_metric", metric(float(len(attempts))))
        if len(attempts) < 3:
            raise duckdb.TransactionException("Failed to commit: database is locked")

    with Lake.open(settings) as lake:
        lake.atomically(work)
        assert values(lake) == [3.0]


class LockedOnce:
    """A connection whose first view finds the catalogue locked, as it may while another process commits."""

    def __init__(self, connection):
        self._connection = connection
        self.refused = 0

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def register(self, name, frame):
        if not self.refused:
            self.refused += 1
            raise duckdb.Error("Failed to create view: Failed to query most recent snapshot: database is locked")
        return self._connection.register(name, frame)


def test_rows_are_offered_again_when_the_catalogue_was_locked(settings):
    with Lake.open(settings) as lake:
        again = Lake(settings, LockedOnce(lake._connection))
        again.append("daily_metric", metric(1.0))
        assert again._connection.refused == 1
        assert values(lake) == [1.0]


def test_an_error_that_is_no_lock_is_not_retried(settings):
    attempts = []

    def work(_: Lake) -> None:
        attempts.append(1)
        raise duckdb.BinderException("no such column")

    with Lake.open(settings) as lake, pytest.raises(duckdb.BinderException):
        lake.atomically(work)
    assert attempts == [1]


def test_a_catalogue_locked_for_too_long_is_one_clear_error(settings, monkeypatch):
    monkeypatch.setattr(retry, "_RETRY_SECONDS", 0.02)

    def work(_: Lake) -> None:
        raise duckdb.TransactionException("database is locked")

    with Lake.open(settings) as lake, pytest.raises(Failed, match="stayed locked"):
        lake.atomically(work)


def test_reading_a_lake_that_does_not_exist_says_so(settings):
    with pytest.raises(Failed, match="there is no lake at"), Lake.open(settings, read_only=True):
        pass


def test_an_unknown_statement_is_bad_input(settings):
    with Lake.open(settings) as lake, pytest.raises(BadInput, match="queries/nothing"):
        lake.query("queries/nothing")


def test_a_path_with_a_quote_is_a_path(tmp_path):
    with Lake.open(LakeSettings.under(tmp_path / "it's a lake")) as lake:
        assert run_checks(lake) == []


def test_a_reader_cannot_write(settings):
    with Lake.open(settings):
        pass
    with Lake.open(settings, read_only=True) as lake, pytest.raises(duckdb.Error, match="read-only"):
        lake.append("daily_metric", metric(1.0))


def test_a_second_writer_waits_its_turn_and_says_so_when_it_gives_up(settings):
    with Lake.open(settings) as lake:
        with sole_writer(lake), pytest.raises(Failed, match=r"still holds .*writer\.lock"), sole_writer(lake, 0.05):
            pass
        with sole_writer(lake, 0.05):
            pass


def test_a_catalogue_that_cannot_be_opened_is_one_clear_error(settings):
    assert settings.catalog_file is not None
    settings.catalog_file.parent.mkdir(parents=True)
    settings.catalog_file.write_bytes(b"not a database" * 100)
    with pytest.raises(Failed, match=r"catalog\.sqlite cannot be opened"), Lake.open(settings):
        pass
