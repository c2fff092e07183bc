"""`microvol record` with several markets, from the command line to the lake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.recording_rig import account, logged_venue
from tests.integration.rig import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

CONFIG = """
home = "{home}"
prefect_api_url = "http://127.0.0.1:9/api"

[ports]
paper = {paper}

[capture]
fsync_seconds = 0.2
min_free_mb = 1.0

[venues.desk]
rest_url = "{desk}"
stream_url = "{desk_stream}/stream"
ws_api_url = "{desk_stream}/ws-api/v3"
"""


def test_two_markets_are_recorded_taken_in_and_shown(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with logged_venue(tmp_path, "BTC/FDUSD") as paper, logged_venue(tmp_path, "ETH/FDUSD", name="desk") as desk:
        url = str(desk.config.rest_url)
        port = str(paper.config.rest_url).rsplit(":", 1)[1]
        places = {"home": home, "paper": port, "desk": url, "desk_stream": url.replace("http", "ws")}
        (tmp_path / "microvol.toml").write_text(CONFIG.format(**places))
        markets = ("--symbol", "BTC/FDUSD", "--symbol", "desk:ETH/FDUSD")
        done = run(tmp_path, "record", "--seconds", "12", *markets)
        assert done.returncode == 0, done.stderr
        for venue in (paper, desk):
            name = f"{venue.config.name} {venue.config.symbol}"
            assert any(name in line and " frames, 0 gaps" in line for line in done.stdout.splitlines()), done.stdout
            assert account(home, venue)["depth missed"] == 0
        shown = [line.split() for line in run(tmp_path, "status").stdout.splitlines()]
        for market in (["paper", "BTC/FDUSD"], ["desk", "ETH/FDUSD"]):
            assert any(line[1:5] == ["capture", *market, "│"] and line[5] == "stopped" for line in shown), shown
            assert any(line[1:5] == ["ingest", *market, "│"] and line[5] == "level" for line in shown), shown
        twice = run(tmp_path, "record", "--symbol", "BTC/FDUSD", "--symbol", "paper:BTC/FDUSD")
        assert (twice.returncode, twice.stderr) == (2, "microvol: BTC/FDUSD at paper is named twice\n")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MICROVOL_CONFIG": str(folder / "microvol.toml")}
    environment.pop("MICROVOL_HOME", None)
    command = [sys.executable, "-m", "flows", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
