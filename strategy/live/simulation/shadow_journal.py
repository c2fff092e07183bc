"""What a shadow did, line by line: `<local_ns> {"t": KIND, …}` with the kinds shadow, fill, order, sample and end.

Fills, orders and samples are a replay's rows (strategy.replay.rows), their times on the venue's clock. An order is told
when it is over. Decisions are not told: a replay of the recorded market makes them again.
"""

from pathlib import Path
from typing import Any

import numpy as np
import orjson

from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.segment import SUFFIX, LineFile, compress
from strategy.live.simulation.shadow import Shadow, Told


class ShadowJournal:
    """The file of one version's time in the shadow."""

    def __init__(self, folder: Path, name: str) -> None:
        """Create it."""
        self._file = LineFile(folder / f"{name}{SUFFIX}")

    def begin(self, local_ns: int, session: str, shadow: Shadow) -> None:
        """Write the head."""
        config = shadow.config
        head = {
            "session": session,
            "document": shadow.document.model_dump(mode="json"),
            "clock_offset_ns": shadow.clock.ns,
            "base": config.base,
            "quote": config.quote,
            "fees_bps": [config.maker_fee_bps, config.taker_fee_bps],
            "queue": [config.queue_model, config.queue_exponent],
            "latencies": repr(config.lines()),
            "kernel_digest": KERNEL_DIGEST,
        }
        self._write(local_ns, "shadow", head)

    def tell(self, local_ns: int, told: list[Told]) -> None:
        """Write what has happened."""
        for kind, row in told:
            self._write(local_ns, kind, row_fields(row))

    def end(self, local_ns: int, reason: str) -> None:
        """Write why it is over."""
        self._write(local_ns, "end", {"reason": reason})

    def close(self) -> None:
        """Close and compress."""
        self._file.close()
        compress(self._file.path)

    def _write(self, local_ns: int, kind: str, body: dict[str, Any]) -> None:
        self._file.append(local_ns, orjson.dumps({"t": kind, **body}))


def row_fields(row: np.void) -> dict[str, Any]:
    """Return a row's fields; nan becomes null."""
    return dict(zip(row.dtype.names or (), row.item(), strict=True))
