"""The capture process with a watch on its writer: `python -m bench.lake.probe OUT …options of strategy.live.capture`.

OUT.npz holds of every line when it was stamped and when it had been written, and of every fsync when it began and
ended, all in ns of the clock that stamps.
"""

import sys
import time
from array import array
from pathlib import Path
from typing import Any

import numpy as np

from strategy.live import capture
from strategy.live.segment import Mark, SegmentWriter


class WatchedWriter(SegmentWriter):
    """A SegmentWriter that notes times and keeps them when it is closed."""

    out: Path

    def __init__(self, *given: Any, **named: Any) -> None:
        """Write as ever."""
        self._lines, self._syncs = array("q"), array("q")
        super().__init__(*given, **named)

    def write(self, local_ns: int, payload: bytes) -> None:
        """Append one frame."""
        super().write(local_ns, payload)
        self._lines.extend((local_ns, time.time_ns()))

    def sync(self) -> Mark:
        """Put every line on disk."""
        begun = time.time_ns()
        mark = super().sync()
        self._syncs.extend((begun, time.time_ns()))
        return mark

    def close(self) -> None:
        """Close, then keep the times."""
        super().close()
        lines, syncs = (np.frombuffer(each, np.int64).reshape(-1, 2) for each in (self._lines, self._syncs))
        np.savez(self.out, lines=lines, syncs=syncs)


def main() -> int:
    """Capture, watched."""
    WatchedWriter.out = Path(sys.argv.pop(1))
    capture.SegmentWriter = WatchedWriter
    return capture.main()


if __name__ == "__main__":
    sys.exit(main())
