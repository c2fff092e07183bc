"""`microvol venue`: the paper venue as a person starts it, and its faults as a person asks for them."""

import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from flows.cli import run
from tests.conformance.venue_process import VENUE_SYMBOL

pytestmark = pytest.mark.slow


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def admin_port(tmp_path, monkeypatch):
    port = free_port()
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_PORTS__PAPER_ADMIN", str(port))
    return port


def test_a_fault_is_asked_for_by_command_and_meets_the_next_request(admin_port, capsys):
    command = [sys.executable, "-m", "flows", "venue", "--port", "0", "--admin"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().rpartition(" ")[2].strip()
            assert process.stdout.readline() == f"paper venue admin on http://127.0.0.1:{admin_port}\n"
            assert run(["venue", "fault", "error", "code=503"]) == 0
            assert httpx.get(f"{url}/api/v3/ping", timeout=30).status_code == 503
            assert httpx.get(f"{url}/api/v3/ping", timeout=30).status_code == 200
            assert run(["venue", "fault", "skip", "count=2", "stream=trade"]) == 0
            assert httpx.get(f"{url}/api/v3/depth", params={"symbol": VENUE_SYMBOL}, timeout=30).status_code == 200
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
    assert capsys.readouterr().out == "error\nskip\n"


def test_a_fault_without_a_venue_or_without_sense_is_one_line_with_its_exit_code(admin_port, capsys):
    for arguments, code, said in (
        (["skip"], 1, f"no admin endpoint answers on http://127.0.0.1:{admin_port}"),
        (["skip", "count=0"], 2, "count was '0'"),
        (["explode"], 2, "explode"),
        (["mute", "seconds"], 2, "'seconds' is not FIELD=VALUE"),
    ):
        assert run(["venue", "fault", *arguments]) == code
        heard = capsys.readouterr().err
        assert said in heard
        assert len(heard.splitlines()) == 1


def test_the_help_and_the_list_name_every_fault(capsys):
    for arguments in (["venue", "--help"], ["venue", "fault"]):
        assert run(arguments) == 0
        said = capsys.readouterr().out
        assert all(name in said for name in ("abort", "skip", "mute", "deaf", "error", "html", "skew", "restart"))
