"""The two lines between the strategy and the venue: how long each message takes.

Both lines are first in, first out, as one connection is: a message never overtakes the one sent before it. So with
drawn latencies an arrival is max(sent + its latency, the last arrival).
"""

import hashlib
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategy.errors import BadInput
from strategy.kernel.jit import jit

DRAWS: Final = 4096


class Latencies(NamedTuple):
    """Latencies in ns: request k takes entry_ns[k % n], answer k response_ns[k % n]. One element = constant.

    The arrays are read-only: two of these are equal, and have one name, when all their elements are equal.
    """

    entry_ns: NDArray[np.int64]
    response_ns: NDArray[np.int64]

    def __eq__(self, other: object) -> bool:
        """Compare element by element."""
        return isinstance(other, Latencies) and all(map(np.array_equal, self, other))

    def __ne__(self, other: object) -> bool:
        """Compare element by element."""
        return not self == other

    def __hash__(self) -> int:
        """Hash what equality compares."""
        return hash(tuple(line.tobytes() for line in self))

    def __repr__(self) -> str:
        """Say constants as they are, and draws by number and digest: the name of a study is made of this."""
        return f"Latencies(entry_ns={_told(self.entry_ns)}, response_ns={_told(self.response_ns)})"


def constant(entry_ns: int, response_ns: int) -> Latencies:
    """Return latencies (ns) that never change."""
    return Latencies(_line("entry_ns", [entry_ns]), _line("response_ns", [response_ns]))


def drawn(pairs: Iterable[tuple[int, int]], seed: int, count: int = DRAWS) -> Latencies:
    """Draw `count` of the recorded (entry, response) pairs in ns, with replacement; a pair's halves keep one place."""
    recorded = np.array(list(pairs), np.int64).reshape(-1, 2)
    if len(recorded) == 0:
        raise BadInput("recorded round trips were 0, at least 1 is needed to draw latencies from")
    if count < 1:
        raise BadInput(f"draws of latencies were {count}, they must be 1 or more")
    picked = recorded[np.random.default_rng(seed).integers(0, len(recorded), count)]
    return Latencies(_line("entry_ns", picked[:, 0]), _line("response_ns", picked[:, 1]))


def checked(latencies: Latencies) -> Latencies:
    """Return latencies as the drivers read them: int64, contiguous, at least one a line, none under 0."""
    return Latencies(_line("entry_ns", latencies.entry_ns), _line("response_ns", latencies.response_ns))


@jit
def arrival(venue: Any) -> int:
    """Return when the request that is sent now reaches the venue (ns), and count it."""
    c, entry_ns = venue.cursor[0], venue.latencies.entry_ns
    due = c["now"] + entry_ns[c["requests_sent"] % len(entry_ns)]
    c["requests_sent"] += 1
    c["last_arrives_ns"] = max(c["last_arrives_ns"], due)
    return int(c["last_arrives_ns"])


@jit
def reach(venue: Any) -> int:
    """Return when the answer that the venue gives now reaches the strategy (ns), and count it."""
    c, response_ns = venue.cursor[0], venue.latencies.response_ns
    due = c["now"] + response_ns[c["responses_sent"] % len(response_ns)]
    c["responses_sent"] += 1
    c["last_reaches_ns"] = max(c["last_reaches_ns"], due)
    return int(c["last_reaches_ns"])


def _line(name: str, values: Any) -> NDArray[np.int64]:
    line = np.array(values, np.int64).reshape(-1)
    if len(line) == 0:
        raise BadInput(f"latencies.{name} had 0 elements, at least 1 is needed")
    if line.min() < 0:
        raise BadInput(f"latencies.{name} had {line.min()}, none may be under 0")
    line.setflags(write=False)
    return line


def _told(line: NDArray[np.int64]) -> str:
    if len(line) == 1:
        return str(line[0])
    return f"{len(line)} draws {hashlib.sha256(line.tobytes()).hexdigest()[:16]}"
