"""Time-ordered windows of a tape: train, then validation, then held out; never shuffled, never across a gap."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from strategy.errors import Failed
from strategy.replay.tape import Tape

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


class FoldSettings(BaseModel):
    """Shares of the covered time; what train and validation leave over is held out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    train_share: float = Field(0.5, gt=0, lt=1)
    validation_share: float = Field(0.25, gt=0, lt=1)
    train_folds: int = Field(3, ge=1, le=100)
    validation_folds: int = Field(2, ge=1, le=100)
    embargo_s: float = Field(5.0, ge=0, description="left out before every fold but the first")
    min_window_s: float = Field(20.0, gt=0, description="shorter pieces between gaps are dropped")

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.train_share + self.validation_share >= 1:
            shares = f"{self.train_share} and {self.validation_share}"
            raise ValueError(f"train and validation shares were {shares}, nothing is held out")
        return self


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
