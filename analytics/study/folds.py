"""Time-ordered windows of a tape: train, then validation, then held out; never shuffled, never across a gap."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from analytics.study.settings import FoldSettings
from strategy.errors import Failed
from strategy.replay.tape import Tape

__all__ = ["Fold", "FoldSettings", "Folds", "Window", "covered", "split"]

NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of receive time without a hole, ns."""

    start_ns: int
    end_ns: int

    @property
    def hours(self) -> float:
        """Return its length in hours."""
        return (self.end_ns - self.start_ns) / 3.6e12


Fold = tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Folds:
    """Each fold is one or more windows; every train fold ends before every validation fold, and so on."""

    train: tuple[Fold, ...]
    validation: tuple[Fold, ...]
    held_out: tuple[Fold, ...]


def covered(tape: Tape) -> list[Window]:
    """Return the stretches of receive time over which the book is known."""
    starts = tape.update_local[tape.fresh == 1].tolist()
    if not starts:
        return []
    holes = sorted([*tape.gap_local.tolist(), int(tape.update_local[-1])])
    spans: list[Window] = []
    for start in starts:
        end = next((hole for hole in holes if hole >= start), None)
        if end is not None and (not spans or start >= spans[-1].end_ns) and end > start:
            spans.append(Window(start, end))
    return spans


def split(tape: Tape, settings: FoldSettings) -> Folds:
    """Cut a tape's covered time into folds; a tape too short for one of them is a failure that says its length."""
    spans = covered(tape)
    total = sum(span.end_ns - span.start_ns for span in spans)
    ends = (settings.train_share, settings.train_share + settings.validation_share, 1.0)
    counts = (settings.train_folds, settings.validation_folds, 1)
    parts, begin = [], 0.0
    for end, count in zip(ends, counts, strict=True):
        cuts = np.linspace(begin, end, count + 1) * total
        folds = [_windows(spans, int(a), int(b), settings) for a, b in pairwise(cuts)]
        parts.append(tuple(fold for fold in folds if fold))
        begin = end
    if not all(parts):
        covers, needed = f"{total / NS:.0f} s in {len(spans)} pieces", _least_seconds(settings, ends, counts)
        raise Failed(f"the tape covers {covers}, folds need about {needed:.0f} s, better without a hole: record more")
    return Folds(*parts)


def _windows(spans: list[Window], begin: int, end: int, settings: FoldSettings) -> Fold:
    """Return the windows between two offsets of covered time, less the embargo at the front."""
    found, offset = [], 0
    begin += int(settings.embargo_s * NS) if begin > 0 else 0
    for span in spans:
        length = span.end_ns - span.start_ns
        first, last = max(begin - offset, 0), min(end - offset, length)
        if last - first >= settings.min_window_s * NS:
            found.append(Window(span.start_ns + first, span.start_ns + last))
        offset += length
    return tuple(found)


def _least_seconds(settings: FoldSettings, ends: Sequence[float], counts: Sequence[int]) -> float:
    """Return how long an unbroken tape must be for every fold to have a window."""
    shares = np.diff((0.0, *ends))
    window = settings.min_window_s + settings.embargo_s
    return max(count * window / float(share) for count, share in zip(counts, shares, strict=True))
