"""One market's way from a frame to an order, walked on objects of its own so that a real frame finds it in the caches.

Between two frames everything that the way touches leaves the processor's caches; walked cold it takes five to ten
times as long. A rehearsal has its own session, strategy, books, journal and orders: it runs the very code and shares
nothing that it could change. Its journal is a file without a name, its requests are signed with no account's secret and
written to this process (`strategy.venues.rehearsal_orders`).
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np

from strategy.kernel.records import ACTION, BOOK, BUY, DECISION, PLACE
from strategy.live.guard import Limits
from strategy.live.journal import JournalWriter
from strategy.live.segment import LineFile
from strategy.live.session import Hooks, Session
from strategy.live.session_start import SessionStart
from strategy.live.sizing import quoted
from strategy.live.warm_up import LiveStepper
from strategy.policies.document import ParameterDocument
from strategy.venues.ports import Balance, Orderer
from strategy.venues.units import Units

REHEARSAL: Final = "rehearsal"  # in the place of a session's name, and of its token in client ids
_MID_TICKS: Final = 1_000_000
_LEVELS: Final = 10  # a side, as many as a frame of a busy market changes
_HOLDINGS: Final = Balance(1e9, 1e15)
_STALE_S: Final = 3_600.0
_FILE_BYTES: Final = 1 << 16
_LIMITS: Final = Limits(
    max_order_notional=1e300,
    max_position=1e300,
    collar_bps=10_000.0,
    orders_per_10s=1 << 62,
    orders_per_day=1 << 62,
)


class Rehearsal:
    """The double of a session; `walk` takes one frame all the way to an order that goes nowhere."""

    def __init__(self, document: ParameterDocument, orders: Orderer, folder: Path) -> None:
        """Open the double; `folder` is where the session's journal is written."""
        self.document = document
        instrument = document.instrument
        start = SessionStart(REHEARSAL, REHEARSAL, document, _HOLDINGS, 0, _LIMITS, _STALE_S)
        self._file, self._faults = NamelessFile(folder), list[BaseException]()
        journal = JournalWriter(folder, REHEARSAL, lambda _: self._file)
        self._frames = _frames(instrument.symbol, Units(instrument.tick_size, instrument.lot_size))
        self._session = Session(start, Decided(document), journal, orders, _hooks(self._faults.append))

    def walk(self) -> None:
        """Take a frame; the order that it leads to is refused in the loop's next turn. Raises what went wrong since."""
        if self._faults:
            raise self._faults[0]
        self._session.on_frame(time.time_ns(), next(self._frames))

    def close(self) -> None:
        """End the double."""
        self._session.orders.close()
        self._file.close()


class Decided(LiveStepper):
    """A strategy that places one order at every book update, whatever its parameters make of it."""

    def __init__(self, document: ParameterDocument) -> None:
        """Run the document's own step on a state of its own."""
        base_lots, quote_atoms = _HOLDINGS.base_lots, _HOLDINGS.quote_atoms
        super().__init__(quoted(document), document.instrument, base_lots, quote_atoms, document.version)
        self._numbers = count(1)
        self._placed = np.zeros(1, ACTION)
        for name, value in {"kind": PLACE, "side": BUY, "price_ticks": _MID_TICKS - 1, "qty_lots": 1}.items():
            self._placed[name] = value
        self._decision = np.zeros(1, DECISION)
        self._decision["mid_ticks"] = self._decision["reference_ticks"] = _MID_TICKS
        self._wants = False

    def feed(self, event: np.void) -> int:
        """Take one event and return how many of `actions` are valid."""
        super().feed(event)
        self._wants = event["kind"] == BOOK
        if self._wants:
            self._placed["order_id"] = next(self._numbers)
        return int(self._wants)

    @property
    def actions(self) -> Any:
        """Return the order."""
        return self._placed

    @property
    def decided(self) -> bool:
        """Say whether the last event was a book update."""
        return self._wants

    @property
    def decision(self) -> np.void:
        """Return what stands for a decision."""
        found: np.void = self._decision[0]
        return found

    @property
    def next_wake_ns(self) -> int:
        """Return that it never wants to be woken."""
        return 0

    @property
    def needs_snapshot(self) -> bool:
        """Say that its book is never in doubt."""
        return False


class NamelessFile(LineFile):
    """A file that no name leads to; it is gone when it is closed, and emptied before it takes room."""

    def __init__(self, folder: Path) -> None:
        """Create it in a folder."""
        self._held = tempfile.TemporaryFile("ab", buffering=0, dir=folder)  # noqa: SIM115 (held while it is open)
        self.path, self.offset = folder, 0
        self._broken, self._fd = False, self._held.fileno()

    def append_all(self, lines: Iterable[tuple[int, bytes]]) -> None:
        """Append lines in one write."""
        super().append_all(lines)
        if self.offset > _FILE_BYTES:
            os.ftruncate(self._fd, 0)
            self.offset = 0

    def rename(self, path: Path) -> None:
        """Keep without a name."""

    def close(self) -> None:
        """Let it go."""
        self._held.close()


def _frames(symbol: str, units: Units) -> Iterator[bytes]:
    """Yield a market that stands still: its snapshot, and then the same levels again and again."""
    name, bids, asks = symbol.partition(":")[0].replace("/", ""), _levels(units, -1), _levels(units, 1)
    head = f'{{"stream":"{name.lower()}@depth@100ms","data":{{"e":"depthUpdate","s":"{name}",'
    diff = head.encode() + b'"E":%d,"U":%d,"u":%d,' + f'"b":{bids},"a":{asks}}}}}'.encode()
    yield f'{{"lastUpdateId":0,"bids":{bids},"asks":{asks}}}'.encode()
    for number in count(1):
        yield diff % (time.time_ns() // 1_000_000, number, number)


def _levels(units: Units, side: int) -> str:
    lot = units.qty(1)
    rows = [f'["{units.price(_MID_TICKS + side * (1 + level))}","{lot}"]' for level in range(_LEVELS)]
    return f"[{','.join(rows)}]"


def _hooks(failed: Callable[[BaseException], None]) -> Hooks:
    def ignore(*_: object) -> None:
        """Nothing of this happens to a market that stands still."""

    return Hooks(ignore, ignore, ignore, ignore, ignore, failed)
