"""The compiled kernel allocates nothing per event, so no event waits for memory."""

import numba
import numpy as np
import pytest
from numba.core.runtime import _nrt_python, rtsys

from strategy.kernel.records import ACK, BUY, CANCELLED, PLACE, TRADE
from tests.unit.kernel_samples import Hand, parameter_set

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="Python allocates whatever it does")


@pytest.fixture(autouse=True)
def counting():
    """Count numba's allocations while a test runs."""
    _nrt_python.memsys_enable_stats()
    yield
    _nrt_python.memsys_disable_stats()


@numba.njit
def allocate(size):
    """Return an array, so that something is there to be counted."""
    return np.zeros(size)


def test_an_allocation_would_be_counted():
    allocate(3)
    before = rtsys.get_allocation_stats().alloc
    allocate(3)
    assert rtsys.get_allocation_stats().alloc > before


def test_five_thousand_market_events_and_their_orders_allocate_nothing():
    hand = Hand(parameter_set(quoting={"executor_refresh_time": 0.5, "cooldown_time": 0.1}))
    hand.ack_all(hand.book(5_999_999, 6_000_001, fresh=True))
    before = rtsys.get_allocation_stats().alloc
    for i in range(2_500):
        answers = hand.book(5_999_999 + i % 17, 6_000_001 + i % 17)
        while answers:
            action = answers.pop()
            answers += hand.feed(ACK if action["kind"] == PLACE else CANCELLED, order_id=int(action["order_id"]))
        hand.feed(TRADE, side=BUY, price_ticks=6_000_000, qty_lots=1)
    assert hand.stepper._state.core[0]["placed"] > 1_000
    assert rtsys.get_allocation_stats().alloc == before
