"""The plan of a tape against a walk that asks the live book's rules about every single message."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from analytics.tape.steps import plan
from strategy.venues.events import DepthDiff, DepthSnapshot
from strategy.venues.sequence import BookSequence

DIFF = ("local_ts", "exch_ts", "first_update_id", "final_update_id", "prev_update_id")
SNAPSHOT = ("local_ts", "last_update_id")


@st.composite
def messages(draw):
    """Return depth rows and snapshot rows in order of receipt: runs, holes, repeats, new ids, and snapshots between."""
    futures = draw(st.booleans())
    diffs, snapshots = [], []
    local, final = 1_000, 100
    for what in draw(st.lists(st.sampled_from("ddddddddhrnsto"), min_size=1, max_size=60)):
        local += draw(st.integers(0, 2))
        if what in "st":
            snapshots.append((local, final + draw(st.integers(-3, 2))))
            continue
        if what == "o" and diffs:
            diffs.append((local, *diffs[-1][1:]))
            continue
        first = final + (draw(st.integers(2, 5)) if what == "h" else 1)
        if what == "n":
            first, final = 1, 0
        last, final = final, first + draw(st.integers(0, 3)) - (what == "r") * draw(st.integers(0, 6))
        diffs.append((local, local, first, final, (last if what != "h" else last + 1) if futures else -1))
    return diffs, snapshots, draw(st.integers(995, local + 2))


def walked(diffs, snapshots, start):
    """Return update times, freshness, steps by update, and gap times, message by message."""
    order = sorted(
        [(row[0], 0, number) for number, row in enumerate(diffs)]
        + [(row[0], 1, number) for number, row in enumerate(snapshots)]
    )
    book, before, updates, gaps, exch = BookSequence(), [], [], [], 0
    for local, kind, number in order:
        if kind == 0:
            exch = diffs[number][1]
            seen = book.on_diff(DepthDiff(str(number), exch, local, *diffs[number][2:], (), ()))
        else:
            seen = book.on_snapshot(DepthSnapshot(local, snapshots[number][1], ((str(number), ""),), ()))
        steps = [(1, int(seen.snapshot.bids[0][0]))] if seen.snapshot else []
        steps += [(0, int(diff.symbol)) for diff in seen.diffs]
        if local < start:
            before = steps if seen.snapshot else [] if seen.gap else before + steps
            continue
        if before:
            updates.append((start, min(exch, start), True, before))
            before = []
        if seen.gap:
            gaps.append((local, exch))
        if steps:
            updates.append((local, exch, seen.snapshot is not None, steps))
    if before:
        updates.append((start, exch, True, before))
    return updates, gaps


@given(messages())
def test_a_plan_is_what_the_rules_of_the_live_book_say_message_by_message(given_messages):
    diffs, snapshots, start = given_messages
    updates, gaps = walked(diffs, snapshots, start)
    made = plan(
        pl.DataFrame(diffs, schema=dict.fromkeys(DIFF, pl.Int64), orient="row"),
        pl.DataFrame(snapshots, schema=dict.fromkeys(SNAPSHOT, pl.Int64), orient="row"),
        start,
    )
    flat = list(zip(made.steps.is_snapshot.tolist(), made.steps.message.tolist(), strict=True))
    found = [flat[a:b] for a, b in zip(made.steps.start[:-1], made.steps.start[1:], strict=True)]
    assert found == [steps for *_, steps in updates]
    assert made.update_local.tolist() == [local for local, *_ in updates]
    assert made.update_exch.tolist() == [exch for _, exch, *_ in updates]
    assert made.steps.fresh.tolist() == [int(fresh) for *_, fresh, _ in updates]
    assert list(zip(made.gap_local.tolist(), made.gap_exch.tolist(), strict=True)) == gaps


def test_a_long_run_is_one_update_a_diff():
    ids = np.arange(10_000)
    rows = {"local_ts": ids * 10, "exch_ts": ids * 10, "first_update_id": ids, "final_update_id": ids}
    made = plan(
        pl.DataFrame({**rows, "prev_update_id": np.full(10_000, -1)}),
        pl.DataFrame({"local_ts": [0], "last_update_id": [0]}),
        0,
    )
    assert made.steps.message.tolist() == [0, *range(1, 10_000)]
    assert made.update_local.tolist() == [0, *range(10, 100_000, 10)]
    assert made.steps.fresh.sum() == 1
