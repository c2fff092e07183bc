"""A small library that is preloaded into a process and takes its time from news to order at the socket.

It sees `recv` and `send` alone, so that it measures every client alike, whatever that is made of. See `socket_trace.c`.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.live.pulse import DEEP
from strategy.live.desk import PREFIX
from strategy.live.rehearsal import REHEARSAL

SOURCE: Final = Path(__file__).with_name("socket_trace.c")
ORDER: Final = "POST /api/v3/order"
REHEARSED: Final = f"newClientOrderId={PREFIX}{REHEARSAL}"


class SocketTrace:
    """The trace of one process; `environment` is what to start it with."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Compile the library into a folder; the process gets this environment besides."""
        library, self._file = folder / "socket_trace.so", folder / "socket_trace.txt"
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True)
        self._file.touch()
        marks = {"TRACE_STREAM": "@depth@", "TRACE_NEWS": f'"{DEEP}', "TRACE_ORDER": ORDER, "TRACE_EXCEPT": REHEARSED}
        self.environment = {**environment, "LD_PRELOAD": str(library), "TRACE_FILE": str(self._file), **marks}

    def samples(self) -> list[int]:
        """Return the times so far, ns."""
        return [int(line) for line in self._file.read_text().splitlines()]
