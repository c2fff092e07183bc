"""Another day for a process: a small library that is preloaded into it sets the calendar's clock ahead."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

DAY_S: Final = 86_400
SOURCE: Final = Path(__file__).with_name("another_day.c")


class Calendar:
    """Says with which environment a process lives on another day; without a C compiler the test is skipped."""

    def __init__(self, folder: Path) -> None:
        """Compile the library into a folder."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            pytest.skip("no C compiler: Debian's packages gcc and libc6-dev")
        self._library = folder / "another_day.so"
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(self._library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True, capture_output=True, text=True)

    def on_day(self, days: int) -> dict[str, str]:
        """Return the variables that set a process's calendar so many days ahead."""
        return {"LD_PRELOAD": str(self._library), "DAYS_AHEAD": str(days)}
