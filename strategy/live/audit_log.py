"""The audit's file: one line an event, on disk before anyone is told, until ingest takes it in."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from strategy.live.layout import Layout

Audit = Callable[[dict[str, Any]], None]


def audit_writer(layout: Layout, clock: Callable[[], int] = time.time_ns) -> Audit:
    """Return a function that appends one `<at_ns> <json>` line to the home's audit file and syncs it."""

    def write(record: dict[str, Any]) -> None:
        layout.audit.mkdir(parents=True, exist_ok=True)
        now_ns = clock()
        line = b"%d %s\n" % (now_ns, orjson.dumps(record))
        descriptor = os.open(_file(layout.audit, now_ns), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    return write


def _file(folder: Path, now_ns: int) -> Path:
    """Return a home's one audit file; its name is its own, for the homes of several machines may share a lake."""
    return min(folder.glob("*.log"), default=folder / f"parameter_events_{now_ns}.log")
