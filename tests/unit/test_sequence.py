from strategy.venues.events import DepthDiff, DepthSnapshot, Epoch
from strategy.venues.sequence import BookSequence, Continuity


def diff(first: int, final: int, prev: int = -1, exch_ts: int | None = None) -> DepthDiff:
    return DepthDiff("BTCUSDT", final if exch_ts is None else exch_ts, final, first, final, prev, (), ())


def snap(last: int) -> DepthSnapshot:
    return DepthSnapshot(last, last, (), ())


def ids(progress) -> list[int]:
    return [each.final_id for each in progress.diffs]


def test_a_hole_between_two_diffs_is_one_gap():
    stream = Continuity()
    assert stream.check(diff(1, 5)) is None
    assert stream.check(diff(6, 9)) is None
    gap = stream.check(diff(12, 14))
    assert gap is not None
    assert (gap.expected_id, gap.got_first_id, gap.reason) == (10, 12, "sequence")
    assert stream.check(diff(15, 15)) is None


def test_a_hole_after_a_new_connection_carries_its_reason():
    stream = Continuity(5, 5)
    stream.epoch(Epoch(6, "connection lost"))
    gap = stream.check(diff(9, 10))
    assert gap is not None
    assert gap.reason == "connection lost"


def test_repeated_diffs_are_no_gap_but_ids_that_begin_anew_are():
    stream = Continuity(50, 50)
    assert stream.check(diff(48, 50)) is None
    gap = stream.check(diff(1, 3, exch_ts=60))
    assert gap is not None
    assert "anew" in gap.reason
    assert stream.check(diff(4, 5, exch_ts=61)) is None


def test_futures_continue_by_the_previous_id():
    stream = Continuity()
    assert stream.check(diff(100, 110, prev=90)) is None
    assert stream.check(diff(150, 160, prev=110)) is None
    assert stream.check(diff(170, 180, prev=165)) is not None


def test_buffered_diffs_after_the_snapshot_are_applied_and_older_ones_dropped():
    book = BookSequence()
    for each in (diff(1, 3), diff(4, 6), diff(7, 9)):
        assert book.on_diff(each) == (None, None, ())
    assert not book.known
    progress = book.on_snapshot(snap(5))
    assert progress.snapshot == snap(5)
    assert ids(progress) == [6, 9]
    assert ids(book.on_diff(diff(10, 10))) == [10]


def test_a_snapshot_ahead_of_all_diffs_waits_for_the_one_that_bridges():
    book = BookSequence()
    book.on_diff(diff(1, 3))
    assert ids(book.on_snapshot(snap(8))) == []
    assert ids(book.on_diff(diff(4, 8))) == []
    assert ids(book.on_diff(diff(7, 11))) == [11]


def test_a_snapshot_older_than_the_first_diff_starts_nothing():
    book = BookSequence()
    book.on_diff(diff(20, 22))
    assert book.on_snapshot(snap(15)) == (None, None, ())
    assert not book.known


def test_after_a_hole_the_book_is_unknown_until_a_snapshot_bridges():
    book = BookSequence()
    book.on_snapshot(snap(5))
    book.on_diff(diff(6, 7))
    progress = book.on_diff(diff(10, 12))
    assert progress.gap is not None
    assert not progress.diffs
    assert not book.known
    assert ids(book.on_snapshot(snap(11))) == [12]


def test_a_snapshot_that_came_before_the_hole_showed_bridges_it_at_once():
    book = BookSequence()
    book.on_snapshot(snap(5))
    book.on_diff(diff(6, 7))
    assert book.on_snapshot(snap(20)) == (None, None, ())
    progress = book.on_diff(diff(20, 22))
    assert progress.gap is not None
    assert progress.snapshot == snap(20)
    assert ids(progress) == [22]


def test_a_snapshot_whose_next_diff_does_not_bridge_is_a_gap():
    book = BookSequence()
    book.on_snapshot(snap(5))
    assert book.on_diff(diff(8, 9)).gap is not None


def test_a_futures_snapshot_is_bridged_by_the_diff_around_it():
    book = BookSequence()
    book.on_diff(diff(100, 110, prev=90))
    book.on_diff(diff(112, 120, prev=110))
    assert ids(book.on_snapshot(snap(115))) == [120]
    assert ids(book.on_diff(diff(130, 140, prev=120))) == [140]
    assert book.on_diff(diff(150, 160, prev=145)).gap is not None


def test_a_restarted_venue_is_a_gap_and_not_an_old_diff_for_ever():
    book = BookSequence()
    book.on_snapshot(snap(500))
    book.on_diff(diff(501, 510))
    assert book.on_diff(diff(1, 2, exch_ts=600)).gap is not None
    assert ids(book.on_snapshot(snap(1))) == [2]
