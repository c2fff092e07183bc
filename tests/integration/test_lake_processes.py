"""Several real processes on the default lake, and processes killed in the middle of their work."""

from pathlib import Path

import pytest

from tests.rigs import lakes


def test_two_processes_that_start_together_apply_each_migration_once(tmp_path: Path) -> None:
    lakes.processes_that_start_together_apply_each_migration_once(lakes.Place.on_disk(tmp_path))


@pytest.mark.slow
def test_two_writers_and_a_reader_lose_nothing(tmp_path: Path) -> None:
    lakes.two_writers_and_a_reader_lose_nothing(lakes.Place.on_disk(tmp_path))


@pytest.mark.slow
def test_ingest_killed_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    lakes.ingest_killed_at_any_moment_loses_and_doubles_nothing(lakes.Place.on_disk(tmp_path))
