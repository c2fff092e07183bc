"""The quoting process with a stamp after each step from a frame to its order: `python -m bench.live.parts`.

Every way that ends in an order adds a line to the file that `PARTS_FILE` names: the times of the steps in ns since the
frame was handed over. The stamps themselves take part of the time.
"""

import os
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import orjson

from strategy.live import quote
from strategy.live.command import leave
from strategy.live.journal import JournalWriter
from strategy.live.session import Session
from strategy.policies.stepper import Stepper
from strategy.venues import market
from strategy.venues.book import LiveBook
from strategy.venues.http_line import HttpLine
from strategy.venues.market import MarketReader
from strategy.venues.market_socket import MarketSocket
from strategy.venues.signing import Signer

FILE: Final = "PARTS_FILE"
STEPS: Final[tuple[tuple[str, Any, str], ...]] = (
    ("frame parsed", market, "parse"),
    ("book changed", LiveBook, "change"),
    ("event made, depth added up", MarketReader, "read"),
    ("event journalled", JournalWriter, "event"),
    ("stepped, in compiled code", Stepper, "feed"),
    ("decision journalled", JournalWriter, "decision"),
    ("guard asked", Session, "_veto"),
    ("journal written", JournalWriter, "order"),
    ("request signed", Signer, "sign"),
)
LAST: Final = "handed to the socket"


class Stamps:
    """The stamps of the frame that is being dealt with; a rehearsal's are none."""

    def __init__(self, file: str) -> None:
        """Append to a file."""
        self._file, self._begun_ns, self._at = open(file, "ab", buffering=0), 0, {}  # noqa: SIM115 (held while it runs)

    def frame(self, taken: Callable[..., None]) -> Callable[..., None]:
        """Wrap what takes a frame."""

        @wraps(taken)
        def stamped(*arguments: Any) -> None:
            self._begun_ns, self._at = time.perf_counter_ns(), {}
            taken(*arguments)
            self._begun_ns = 0

        return stamped

    def step(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a step: its first end counts."""

        @wraps(function)
        def stamped(*arguments: Any, **options: Any) -> Any:
            try:
                return function(*arguments, **options)
            finally:
                if self._begun_ns:
                    self._at.setdefault(name, time.perf_counter_ns() - self._begun_ns)

        return stamped

    def last(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap the last step: the way is written down, and over."""

        @wraps(write)
        def stamped(*arguments: Any) -> Any:
            begun_ns, self._begun_ns = self._begun_ns, 0
            if begun_ns and len(self._at) == len(STEPS):
                at_ns = time.perf_counter_ns() - begun_ns
                self._file.write(orjson.dumps({**self._at, LAST: at_ns}, option=orjson.OPT_APPEND_NEWLINE))
            return write(*arguments)

        return stamped


def stamp(file: str) -> None:
    """Have every step of this process stamped."""
    stamps = Stamps(file)
    for name, owner, attribute in STEPS:
        setattr(owner, attribute, stamps.step(name, getattr(owner, attribute)))
    MarketSocket.on_ws_frame = stamps.frame(MarketSocket.on_ws_frame)  # type: ignore[method-assign]
    HttpLine.write = stamps.last(HttpLine.write)  # type: ignore[method-assign]


if __name__ == "__main__":
    stamp(os.environ[FILE])
    leave(quote.main())
