"""Memory of replays that is used again belongs to one holder at a time."""

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from strategy.replay import memory
from strategy.replay.memory import SMALL, leased, waiting
from strategy.replay.rows import ORDER_ROW

ROWS = 4 * SMALL // ORDER_ROW.itemsize


@pytest.fixture(autouse=True)
def _nothing_waits() -> Iterator[None]:
    gc.collect()
    memory._waiting.clear()
    yield
    memory._waiting.clear()


def test_what_nobody_holds_is_used_again() -> None:
    first = leased(ROWS, ORDER_ROW)
    address = first.ctypes.data
    del first
    assert waiting() == 4 * SMALL
    again = leased(ROWS - 1, ORDER_ROW)
    assert (again.ctypes.data, len(again), again.dtype, waiting()) == (address, ROWS - 1, ORDER_ROW, 0)


def test_a_view_holds_all_of_it() -> None:
    first = leased(ROWS, ORDER_ROW)
    first["order_id"] = np.arange(ROWS)
    part = first[: ROWS // 2]["order_id"][1:]
    del first
    other = leased(ROWS, ORDER_ROW)
    other["order_id"] = -1
    assert waiting() == 0
    np.testing.assert_array_equal(part, np.arange(1, ROWS // 2))


def test_little_is_left_to_the_allocator() -> None:
    little = leased(1, ORDER_ROW)
    del little
    assert waiting() == 0


def test_no_more_waits_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEPT", 8 * SMALL)
    held = [leased(ROWS, ORDER_ROW) for _ in range(5)]
    held.clear()
    assert waiting() == 8 * SMALL


def test_threads_are_never_given_the_same_memory() -> None:
    def work(name: int) -> bool:
        good = True
        for _ in range(200):
            mine = leased(ROWS, ORDER_ROW)
            mine["version"] = name
            good = good and bool((mine["version"] == name).all())
        return good

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))
