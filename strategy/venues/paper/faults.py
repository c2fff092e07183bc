"""What can be made to go wrong on the public streams, and the venue's own record of what it published."""

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from strategy.venues.paper.publisher import Frame

KINDS: Final = ("depth", "trade", "bookTicker")


class Faults:
    """Frames that are published and reach nobody: some of a stream left out, or a stream mute for a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without any; `clock` counts seconds."""
        self._clock = clock
        self._skip: Counter[str] = Counter()
        self._mute_until = dict.fromkeys(KINDS, 0.0)

    def skip(self, kind: str, count: int) -> None:
        """Leave out the next frames of a stream."""
        self._skip[kind] += count

    def mute(self, kind: str, seconds: float) -> None:
        """Leave out every frame of a stream for so long."""
        self._mute_until[kind] = self._clock() + seconds

    def loses(self, kind: str) -> bool:
        """Say whether the next frame of a stream is left out."""
        if self._clock() < self._mute_until[kind]:
            return True
        lost = self._skip[kind] > 0
        self._skip[kind] -= lost
        return lost


class FrameLog:
    """Every public frame as a line `<local_ns> <receivers> <combined json>`; whole lines whenever the venue dies."""

    def __init__(self, path: Path | None) -> None:
        """Append to a file; without one nothing is kept."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._fd = None if path is None else os.open(path, flags, 0o644)

    def keep(self, frame: Frame, receivers: int) -> None:
        """Write one frame."""
        if self._fd is not None:
            os.write(self._fd, f"{time.time_ns()} {receivers} {frame.combined()}\n".encode())


def read_fault(query: Mapping[str, str]) -> tuple[str, str, float]:
    """Return what, stream and amount of a request for a fault; ValueError says what is wrong with it."""
    what = query.get("what", "")
    if what in ("close", "abort"):
        return what, "", 0.0
    if what not in ("skip", "mute"):
        raise ValueError(f"what was {what!r}: close, abort, skip or mute")
    stream, amount = query.get("stream", "depth"), query.get("count" if what == "skip" else "seconds", "1")
    if stream not in KINDS:
        raise ValueError(f"stream was {stream!r}: {', '.join(KINDS)}")
    return what, stream, float(amount)
