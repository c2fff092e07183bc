"""Recorders, ingest, a calibration and notebooks on one lake at once: nobody sees an error and nothing is lost."""

from pathlib import Path

import pytest

from bench.soak.soak import soak

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_everything_at_once_loses_nothing_and_shows_no_error(tmp_path: Path) -> None:
    result = soak(tmp_path, seconds=30.0, hours=0.5, trials=8)
    assert result.faults == []
    assert set(result.markets) == {"paper BTC/FDUSD", "desk ETH/FDUSD"}
    assert all(counts["frames recorded"] > 100 for counts in result.markets.values())
    assert len(result.of("record")) == len(result.of("reader")) == 2
    assert len(result.of("ingest")) >= 3
    assert len(result.of("calibrate")) >= 1
    assert all(int(run.out) > 0 for run in result.of("reader"))
