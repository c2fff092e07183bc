"""Update ids: which diffs continue a book, which are old, and where some are missing.

Spot (`U`, `u`): a diff continues id L when U <= L + 1; one with u <= L is old. Futures (`pu`): a diff continues the one
whose `u` equals its `pu`; the first after a snapshot L is the one with U <= L <= u. Diffs carry absolute sizes, so one
that overlaps what is known does no harm. Ids and venue times rise together: an old id at a new time means that the
venue's ids began anew.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from strategy.venues.events import DepthDiff, DepthSnapshot, Epoch, Gap

_BUFFER: Final = 20_000  # diffs kept while no snapshot is there; half an hour of depth@100ms
ANEW: Final = "ids start anew"


def follows(diff: DepthDiff, last_id: int) -> bool:
    """Say whether a diff continues directly after another one that ended at `last_id`."""
    return diff.prev_id == last_id if diff.prev_id >= 0 else diff.first_id <= last_id + 1


def bridges(diff: DepthDiff, last_id: int) -> bool:
    """Say whether a diff may be the first after a snapshot that ends at `last_id`."""
    return diff.final_id > last_id and (diff.first_id <= last_id + 1 or diff.prev_id == last_id)


class Continuity:
    """Find the holes in a stream of diffs, whether or not a book is known."""

    def __init__(self, last_id: int | None = None, last_exch_ts: int = 0) -> None:
        """Continue after the diff that ended at `last_id`; None = nothing came before."""
        self._last_id = last_id
        self._last_exch_ts = last_exch_ts
        self._reason = "sequence"

    def epoch(self, mark: Epoch) -> None:
        """Note a new connection: a hole at the next diff is its doing."""
        self._reason = mark.reason

    def check(self, diff: DepthDiff) -> Gap | None:
        """Take the next diff and return the hole before it, if there is one."""
        last_id, reason = self._last_id, self._reason
        old = last_id is not None and diff.final_id <= last_id
        if old and diff.exch_ts <= self._last_exch_ts:
            return None
        self._last_id, self._last_exch_ts, self._reason = diff.final_id, diff.exch_ts, "sequence"
        if last_id is None or (not old and follows(diff, last_id)):
            return None
        return Gap(diff.local_ts, last_id + 1, diff.first_id, f"{reason}, {ANEW}" if old else reason)


class Progress(NamedTuple):
    """What one message means for the book: a hole, then a snapshot to start from, then diffs to apply in order."""

    gap: Gap | None = None
    snapshot: DepthSnapshot | None = None
    diffs: Sequence[DepthDiff] = ()


class BookSequence:
    """Decide what may be applied to a book; after a hole it is unknown until a snapshot bridges."""

    def __init__(self, last_id: int | None = None, last_exch_ts: int = 0) -> None:
        """Start with an unknown book, or with one that stands at `last_id`."""
        self.last_id = last_id
        self.started = last_id is not None  # some snapshot has started the book
        self._last_exch_ts = last_exch_ts
        self._anchored = False  # the book stands at a snapshot, no diff has been applied to it yet
        self._buffer: list[DepthDiff] = []
        self._spare: DepthSnapshot | None = None  # came while the book was known; serves if a hole turns up next

    @property
    def known(self) -> bool:
        """Say whether the book is known; while it is not, the caller should ask for a snapshot."""
        return self.last_id is not None

    def on_diff(self, diff: DepthDiff) -> Progress:
        """Take one diff: apply it, drop it as old, or find that something is missing."""
        if self.last_id is None:
            self._keep(diff)
            return Progress()
        if diff.final_id <= self.last_id:
            if diff.exch_ts <= self._last_exch_ts or self._anchored:
                return Progress()
            return self._lose(diff, ANEW)
        if not (bridges(diff, self.last_id) if self._anchored else follows(diff, self.last_id)):
            return self._lose(diff, "sequence")
        self._advance(diff)
        return Progress(diffs=(diff,))

    def stands_at(self, last_id: int) -> bool:
        """Say whether the last diff applied to the book was the one that ended at `last_id`."""
        return self.last_id == last_id and not self._anchored

    def stand_at(self, diff: DepthDiff) -> None:
        """Take a run of diffs each of which follows the one before it: the first where the book stands, `diff` last."""
        self._advance(diff)

    def on_snapshot(self, snapshot: DepthSnapshot) -> Progress:
        """Take one snapshot: it starts an unknown book if the diffs at hand continue it; a known one needs none."""
        if self.last_id is not None:
            self._spare = snapshot
            return Progress()
        later = [diff for diff in self._buffer if diff.final_id > snapshot.last_id]
        if later and not bridges(later[0], snapshot.last_id):
            return Progress()
        self.last_id, self.started, self._anchored, self._spare = snapshot.last_id, True, True, None
        for diff in later:
            self._advance(diff)
        self._buffer.clear()
        return Progress(snapshot=snapshot, diffs=later)

    def _advance(self, diff: DepthDiff) -> None:
        self.last_id, self._last_exch_ts, self._anchored = diff.final_id, diff.exch_ts, False

    def _keep(self, diff: DepthDiff) -> None:
        """Buffer a diff; diffs before a hole are of no use to any later snapshot."""
        if self._buffer and not follows(diff, self._buffer[-1].final_id):
            self._buffer.clear()
        if len(self._buffer) >= _BUFFER:
            del self._buffer[: _BUFFER // 2]
        self._buffer.append(diff)

    def _lose(self, diff: DepthDiff, reason: str) -> Progress:
        """Give the book up, unless a snapshot that came since the last diff bridges the hole at once."""
        gap = Gap(diff.local_ts, (self.last_id or 0) + 1, diff.first_id, reason)
        spare, self._spare = self._spare, None
        self.last_id, self._buffer = None, [diff]
        if spare is None or not bridges(diff, spare.last_id):
            return Progress(gap=gap)
        return self.on_snapshot(spare)._replace(gap=gap)
