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
