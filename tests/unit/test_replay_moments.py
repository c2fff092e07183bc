"""Columns side by side, and the table by which a moment is found among times."""

import numpy as np
import pytest

from strategy.replay.index import build_index, clock_of, first_at
from strategy.replay.moments import side_by_side
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from strategy.replay.tape import prepared


def bursts(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Return times with silences of hours, many at one ns, and stretches of one ns after the other."""
    pauses = rng.choice([0, 1, 1_000, 100_000_000, 3_600_000_000_000], rows, p=[0.4, 0.3, 0.2, 0.09, 0.01])
    return 1_700_000_000_000_000_000 + np.cumsum(pauses)


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 3_000])
def test_the_first_row_at_a_time_is_the_one_that_a_search_finds(rows):
    rng = np.random.default_rng(rows)
    times = bursts(rng, rows)
    clock = clock_of(times)
    asked = rng.choice(times, 500) + rng.integers(-2, 3, 500) if rows else np.array([-5, 0, 5])
    asked = [*asked.tolist(), *(times[[0, -1]] + [-(10**15), 10**15] if rows else [])]
    assert [first_at(clock, int(ns)) for ns in asked] == np.searchsorted(times, asked).tolist()


def test_columns_side_by_side_hold_what_they_held():
    columns = prepared(synthetic_tape(SyntheticMarket(updates=300))[0])
    index = build_index(columns)
    tape, indexed, moments, trades = side_by_side(columns, index)
    for name, column in columns._asdict().items():
        np.testing.assert_array_equal(getattr(tape, name), column)
        assert not getattr(tape, name).flags.writeable
    np.testing.assert_array_equal(indexed.bin_trade, index.bin_trade)
    np.testing.assert_array_equal(indexed.mid_row, index.mid_row)
    np.testing.assert_array_equal(indexed.local_trades.times, index.local_trades.times)
    assert np.shares_memory(tape.bid_ticks, moments)
    assert np.shares_memory(tape.trade_ticks, trades)
    assert moments.itemsize == 64
    assert moments.ctypes.data % 64 == 0
