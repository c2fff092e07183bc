"""What is printed from a stamp is like what it was made of, and its own."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from strategy.kernel.jit import jit_entry
from strategy.replay.stamp import Stamp, Views

PLACE = np.dtype([("row", "i8"), ("price", "f8"), ("set", "i1")], align=True)


class Inner(NamedTuple):
    places: np.ndarray[Any, Any]
    blank: np.ndarray[Any, Any]


class Outer(NamedTuple):
    numbers: np.ndarray[Any, Any]
    inner: Inner
    common: np.ndarray[Any, Any]
    fixed: np.ndarray[Any, Any]
    empty: np.ndarray[Any, Any]


@jit_entry
def total(held: Any) -> float:
    """Add up what is lent, and write into it."""
    found = held.fixed[0] + held.common[0]
    for i in range(len(held.numbers)):
        found += held.numbers[i]
    for i in range(len(held.inner.places)):
        found += held.inner.places[i]["row"] + held.inner.places[i]["price"]
    held.numbers[0] += 1
    return found


@pytest.fixture
def outer() -> Outer:
    places = np.zeros(3, PLACE)
    places["row"], places["price"] = np.arange(3), 0.5
    fixed = np.array([7])
    fixed.flags.writeable = False
    return Outer(np.arange(5), Inner(places, np.full(9, -1)), np.array([100]), fixed, np.zeros(0, np.int64))


@pytest.fixture
def stamp(outer: Outer) -> Stamp:
    return Stamp(outer, shared=[outer.common], blank=[outer.inner.blank])


def test_a_print_holds_what_the_stamp_was_made_of(outer: Outer, stamp: Stamp) -> None:
    whole = stamp.printed()[0].whole()
    assert type(whole) is Outer
    assert type(whole.inner) is Inner
    np.testing.assert_array_equal(whole.numbers, outer.numbers)
    np.testing.assert_array_equal(whole.inner.places, outer.inner.places)
    assert whole.inner.blank.shape == (9,)
    assert whole.empty.shape == (0,)


def test_prints_share_what_is_shared_or_read_only_and_nothing_else(outer: Outer, stamp: Stamp) -> None:
    first, second = (stamp.printed()[0].whole() for _ in range(2))
    assert first.common is second.common is outer.common
    assert first.fixed is outer.fixed
    first.numbers[:] = -1
    first.inner.places["row"] = -1
    np.testing.assert_array_equal(second.numbers, outer.numbers)
    np.testing.assert_array_equal(second.inner.places["row"], np.arange(3))
    np.testing.assert_array_equal(stamp.printed()[0].numbers, np.arange(5))


def test_what_is_lent_is_the_print_itself(stamp: Stamp) -> None:
    (first, lent), (second, other) = stamp.printed(), stamp.printed()
    before = 7 + 100 + 10 + 3 + 1.5
    assert (total(lent), total(lent), total(other)) == (before, before + 1, before)
    assert lent is not other
    if isinstance(first, Views):
        second.inner.places["price"][0] = 10.5
        assert total(other) == before + 1 + 10


def test_members_are_written_in_one_go(outer: Outer, stamp: Stamp) -> None:
    views, _ = stamp.printed()
    views.write("inner", outer.inner._replace(places=outer.inner.places[::-1].copy()))
    np.testing.assert_array_equal(views.inner.places["row"], [2, 1, 0])
    assert views.whole().inner.places["row"][0] == 2
