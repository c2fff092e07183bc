"""What is printed from a stamp is like what it was made of, and its own."""

from typing import Any

import numpy as np
import pytest

from strategy.kernel.book import Book
from strategy.kernel.jit import jit_entry
from strategy.replay.exchange import Venue, new_venue
from strategy.replay.stamp import Stamp
from strategy.replay.tape import empty_tape


@jit_entry
def total(held: Any) -> float:
    """Add up some of what is lent, and write into it."""
    found = held.cursor[0]["maker_fee"] + held.live[1]["queue_ahead"] + held.latencies.entry_ns[0]
    for i in range(len(held.book.bids)):
        found += held.book.bids[i, 0] + held.book.asks[i, 1]
    held.book.bids[0, 0] += 1
    return found


@pytest.fixture
def venue() -> Venue:
    found = new_venue(empty_tape(), light=True)
    found.cursor["maker_fee"], found.live["queue_ahead"][1] = 0.5, 3.0
    found.book.bids[:, 0] = 2
    found.book.asks[:, 1] = 5
    return found


@pytest.fixture
def stamp(venue: Venue) -> Stamp:
    return Stamp(venue, shared=[venue.book.counts], blank=[])


def test_a_print_holds_what_the_stamp_was_made_of(venue: Venue, stamp: Stamp) -> None:
    whole = stamp.printed()[0].whole()
    assert (type(whole), type(whole.book)) == (Venue, Book)
    assert whole.cursor.tobytes() == venue.cursor.tobytes()
    assert whole.live.tobytes() == venue.live.tobytes()
    np.testing.assert_array_equal(whole.book.bids, venue.book.bids)
    np.testing.assert_array_equal(whole.book.asks, venue.book.asks)


def test_prints_share_what_is_shared_or_read_only_and_nothing_else(venue: Venue, stamp: Stamp) -> None:
    first, second = (stamp.printed()[0].whole() for _ in range(2))
    assert first.book.counts is second.book.counts is venue.book.counts
    assert first.latencies.entry_ns is venue.latencies.entry_ns
    first.book.bids[:] = -1
    first.cursor["maker_fee"] = -1.0
    np.testing.assert_array_equal(second.book.bids, venue.book.bids)
    assert second.cursor["maker_fee"] == stamp.printed()[0].cursor["maker_fee"] == 0.5


def test_what_is_blank_has_a_place_of_its_own(venue: Venue) -> None:
    stamp = Stamp(venue, shared=[], blank=[venue.live])
    first, second = (stamp.printed()[0] for _ in range(2))
    assert first.live.shape == venue.live.shape
    second.live["order_id"] = 2
    first.live["order_id"] = 1
    assert set(second.live["order_id"].tolist()) == {2}
    assert first.cursor.tobytes() == venue.cursor.tobytes()


def test_what_is_lent_is_the_print_itself(venue: Venue, stamp: Stamp) -> None:
    (first, lent), (second, other) = stamp.printed(), stamp.printed()
    levels = len(venue.book.bids)
    before = 0.5 + 3.0 + 7 * levels
    assert (total(lent), total(lent), total(other)) == (before, before + 1, before)
    if lent is not first:  # compiled: views see what is lent
        assert first.book.bids[0, 0] == 4
        second.book.asks[0, 1] = 15
        assert total(other) == before + 11


def test_members_are_written_in_one_go(venue: Venue, stamp: Stamp) -> None:
    views, _ = stamp.printed()
    views.write("book", venue.book._replace(bids=venue.book.bids + 7))
    assert set(views.book.bids[:, 0].tolist()) == {9}
    assert set(views.whole().book.asks[:, 1].tolist()) == {5}
