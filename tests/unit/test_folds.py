from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.study.folds import FoldSettings, Window, covered, split
from strategy.errors import Failed
from strategy.replay.tape import Tape, empty_tape

SECOND = 1_000_000_000


def tape_of(spans: list[tuple[int, int]]) -> Tape:
    """Return a tape with an update each second inside the spans (s) and a gap at each span's end but the last."""
    seconds = np.concatenate([np.arange(start, end + 1) for start, end in spans]).astype(np.int64)
    fresh = np.isin(seconds, [start for start, _ in spans]).astype(np.int8)
    gaps = np.array([end for _, end in spans[:-1]], np.int64) * SECOND
    return empty_tape(
        update_exch=seconds * SECOND, update_local=seconds * SECOND, fresh=fresh, gap_exch=gaps, gap_local=gaps
    )


def seconds_of(fold):
    return sum(window.end_ns - window.start_ns for window in fold) / SECOND


def test_folds_follow_in_time_with_an_embargo_between():
    folds = split(tape_of([(0, 1000)]), FoldSettings(train_folds=2, validation_folds=1, embargo_s=5))
    windows = [window for part in (folds.train, folds.validation, folds.held_out) for fold in part for window in fold]
    expected = [(0, 250), (255, 500), (505, 750), (755, 1000)]
    assert windows == [Window(a * SECOND, b * SECOND) for a, b in expected]


def test_a_gap_cuts_a_fold_into_windows():
    folds = split(tape_of([(0, 300), (400, 1000)]), FoldSettings(train_folds=1, validation_folds=1, embargo_s=0))
    assert folds.train == ((Window(0, 300 * SECOND), Window(400 * SECOND, 550 * SECOND)),)


def test_short_pieces_between_gaps_are_dropped():
    tape = tape_of([(0, 300), (400, 410), (500, 1000)])
    assert len(covered(tape)) == 3
    folds = split(tape, FoldSettings(train_folds=1, validation_folds=1, embargo_s=0, min_window_s=20))
    assert all(window.hours * 3600 >= 20 for part in (folds.train, folds.validation) for f in part for window in f)


def test_a_tape_too_short_says_how_much_it_covers():
    with pytest.raises(Failed, match=r"covers 60 s in 1 pieces"):
        split(tape_of([(0, 60)]), FoldSettings())
    with pytest.raises(Failed, match=r"covers 0 s"):
        split(empty_tape(), FoldSettings())


def test_shares_that_leave_nothing_are_refused():
    with pytest.raises(ValidationError, match="nothing is held out"):
        FoldSettings(train_share=0.7, validation_share=0.3)


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(30, 2000), min_size=1, max_size=5),
    train=st.integers(1, 4),
    validation=st.integers(1, 3),
)
def test_no_window_overlaps_another_or_leaves_its_span(lengths, train, validation):
    spans, at = [], 0
    for length in lengths:
        spans.append((at, at + length))
        at += length + 50
    tape = tape_of(spans)
    try:
        folds = split(tape, FoldSettings(train_folds=train, validation_folds=validation))
    except Failed:
        return
    windows = [w for part in (folds.train, folds.validation, folds.held_out) for fold in part for w in fold]
    assert all(a.end_ns <= b.start_ns for a, b in pairwise(windows))
    assert all(any(s.start_ns <= w.start_ns < w.end_ns <= s.end_ns for s in covered(tape)) for w in windows)
