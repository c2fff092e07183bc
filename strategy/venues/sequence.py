"""Update ids: which diffs continue a book, which are old, and where some are missing.

Spot (`U`, `u`): a diff continues id L when U <= L + 1; one with u <= L is old. Futures (`pu`): a diff continues the one
whose `u` equals its `pu`; the first after a snapshot L is the one with U <= L <= u. Diffs carry absolute sizes, so one
that overlaps what is known does no harm.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from strategy.venues.events import DepthDiff, DepthSnapshot, Epoch, Gap

_BUFFER: Final = 20_000  # diffs kept while no snapshot is there; half an hour of depth@100ms


def follows(diff: DepthDiff, last_id: int) -> bool:
    """Say whether a diff continues directly after another one that ended at `last_id`."""
    return diff.prev_id == last_id if diff.prev_id >= 0 else diff.first_id <= last_id + 1


def bridges(diff: DepthDiff, last_id: int) -> bool:
    """Say whether a diff may be the first after a snapshot that ends at `last_id`."""
    return diff.first_id <= last_id + 1 or diff.prev_id == last_id


class Continuity:
    """Find the holes in a stream of diffs, whether or not a book is known."""

    def __init__(self, last_id: int | None = None, last_exch_ts: int = 0) -> None:
        """Continue after the diff that ended at `last_id`; None = nothing came before."""
        self._last_id = last_id
        self._last_exch_ts = last_exch_ts
        self._reason = ""

    def epoch(self, mark: Epoch) -> None:
        """Note a new connection: a hole at the next diff is its doing, and its ids may start anew."""
        self._reason = mark.reason

    def check(self, diff: DepthDiff) -> Gap | None:
        """Take the next diff and return the hole before it, if there is one."""
        last_id = self._last_id
        old = last_id is not None and diff.final_id <= last_id
        restarted = old and bool(self._reason) and diff.exch_ts > self._last_exch_ts
        if old and not restarted:
            return None
        reason = self._reason or "sequence"
        self._advance(diff)
        if last_id is None or (not old and follows(diff, last_id)):
            return None
        return Gap(diff.local_ts, last_id + 1, diff.first_id, f"{reason}, ids start anew" if restarted else reason)

    def _advance(self, diff: DepthDiff) -> None:
        self._last_id, self._last_exch_ts, self._reason = diff.final_id, diff.exch_ts, ""


class Progress(NamedTuple):
    """What one message means for the book: a snapshot to start from, diffs to apply in order, a hole."""

    snapshot: DepthSnapshot | None = None
    diffs: Sequence[DepthDiff] = ()
    gap: Gap | None = None


class BookSequence:
    """Decide what may be applied to a book; after a hole it is unknown until a snapshot bridges."""

    def __init__(self) -> None:
        """Start with an unknown book."""
        self.last_id: int | None = None
        self.started = False  # a snapshot has started the book at least once
        self._anchored = False  # the book stands at a snapshot, no diff has been applied to it yet
        self._buffer: list[DepthDiff] = []

    @property
    def known(self) -> bool:
        """Say whether the book is known; while it is not, the caller should ask for a snapshot."""
        return self.last_id is not None

    def on_diff(self, diff: DepthDiff) -> Progress:
        """Take one diff: apply it, drop it as old, or find that something is missing."""
        if self.last_id is None:
            self._keep(diff)
            return Progress()
        if self._continues(diff, self.last_id):
            if diff.final_id < self.last_id or (diff.prev_id < 0 and diff.final_id == self.last_id):
                return Progress()
            self.last_id, self._anchored = diff.final_id, False
            return Progress(diffs=(diff,))
        if diff.final_id <= self.last_id:
            return Progress()
        return Progress(gap=self._lose(diff, "sequence"))

    def on_snapshot(self, snapshot: DepthSnapshot) -> Progress:
        """Take one snapshot: it starts an unknown book if the diffs at hand continue it; a known one needs none."""
        if self.last_id is not None:
            return Progress()
        later = [diff for diff in self._buffer if diff.final_id > snapshot.last_id]
        if later and not bridges(later[0], snapshot.last_id):
            return Progress()
        self.last_id = later[-1].final_id if later else snapshot.last_id
        self._anchored = not later
        self.started = True
        self._buffer.clear()
        return Progress(snapshot=snapshot, diffs=later)

    def lose(self, local_ts: int, reason: str) -> Gap:
        """Declare the book unknown, as when the caller knows that the connection missed something."""
        expected = (self.last_id or 0) + 1
        self.last_id = None
        self._buffer.clear()
        return Gap(local_ts, expected, expected, reason)

    def _continues(self, diff: DepthDiff, last_id: int) -> bool:
        return bridges(diff, last_id) if self._anchored else follows(diff, last_id)

    def _keep(self, diff: DepthDiff) -> None:
        """Buffer a diff; diffs before a hole are of no use to any later snapshot."""
        if self._buffer and not follows(diff, self._buffer[-1].final_id):
            self._buffer.clear()
        if len(self._buffer) >= _BUFFER:
            del self._buffer[: _BUFFER // 2]
        self._buffer.append(diff)

    def _lose(self, diff: DepthDiff, reason: str) -> Gap:
        expected = (self.last_id or 0) + 1
        self.last_id = None
        self._buffer[:] = [diff]
        return Gap(diff.local_ts, expected, diff.first_id, reason)
