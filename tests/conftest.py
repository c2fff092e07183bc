"""What every test shares: examples are drawn the same way in every run, and no example is timed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("seeded", derandomize=True, deadline=None, database=None)
settings.load_profile("seeded")


@pytest.fixture
def command_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give commands a home of their own and nobody to talk to; what they put into the environment goes again."""
    before = dict(os.environ)
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    for name in ("PREFECT", "MLFLOW", "PAPER"):
        monkeypatch.setenv(f"MICROVOL_PORTS__{name}", "9")  # discard: nobody answers there
    yield tmp_path
    os.environ.clear()  # a command hands its settings to the processes that it may start
    os.environ.update(before)
