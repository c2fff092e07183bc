import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SAID = """
import structlog
from strategy.live.log import configure_logging
configure_logging()
structlog.get_logger("x").error("fault", exc_info=ValueError("why"))
print("went on")
"""
PASSED_BY = """
from strategy.live.command import warn_of_proxies
from strategy.live.log import configure_logging
configure_logging()
warn_of_proxies()
"""


def said(stderr: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SAID]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True, check=False)


def test_a_log_line_has_time_level_and_event() -> None:
    done = said(subprocess.PIPE)
    assert "level=error event=fault" in done.stderr
    assert "ValueError: why" in done.stderr


def test_a_log_that_is_full_stops_nothing() -> None:
    with Path("/dev/full").open("wb") as full:
        assert said(full).stdout == "went on\n"


def test_a_proxy_that_is_passed_by_is_said_without_its_address() -> None:
    environment = {"https_proxy": "http://me:password@proxy:3128", "ALL_PROXY": ""}
    done = subprocess.run(
        [sys.executable, "-c", PASSED_BY], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.count("\n") == 1
    assert "proxy ignored" in done.stderr
    assert "variable=HTTPS_PROXY" in done.stderr
    assert "password" not in done.stderr
