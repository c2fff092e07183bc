"""The venue's own record of what it published."""

import os
import time
from pathlib import Path

from strategy.venues.paper.publisher import Frame


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
