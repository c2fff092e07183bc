"""The depth within a band around mid, against a plain dictionary."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.kernel.book import band_limit, depth_within, new_book, set_level
from strategy.kernel.records import BOOK, BUY, SELL
from strategy.replay.depth import depth_along, walk
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.unit.kernel_samples import parameter_set
from tests.unit.tape_samples import MID, TapeMaker, run

CHANGE = st.tuples(st.sampled_from([BUY, SELL]), st.integers(0, 30), st.integers(0, 9))


def naive(book, side, mid, band_bps):
    """Return the lots of a dictionary's levels within the band, by the rule as it is written."""
    reach = mid * band_bps / 10_000
    return sum(lots for ticks, lots in book[side].items() if side * (mid - ticks) <= reach + 1e-6)


def test_edge_of_the_band_is_inside():
    assert band_limit(6_000_000.0, 10.0, BUY) == 5_994_000
    assert band_limit(6_000_000.0, 10.0, SELL) == 6_006_000
    assert band_limit(6_000_000.5, 10.0, BUY) == 5_994_001
    assert band_limit(6_000_000.5, 10.0, SELL) == 6_006_000


def test_depth_counts_from_the_best_to_the_limit_and_no_further():
    book = new_book(8)
    for side, levels in ((BUY, ((99, 1), (98, 2), (90, 4))), (SELL, ((101, 8), (102, 16), (110, 32)))):
        for ticks, lots in levels:
            set_level(book, side, ticks, lots)
    assert [depth_within(book, BUY, limit) for limit in (100, 99, 98, 91, 90, 1)] == [0, 1, 3, 3, 7, 7]
    assert [depth_within(book, SELL, limit) for limit in (100, 101, 109, 110)] == [0, 8, 24, 56]
    assert depth_within(new_book(1), BUY, 1) == 0


@settings(deadline=None, max_examples=60)
@given(updates=st.lists(st.lists(CHANGE, max_size=5), max_size=30), band=st.sampled_from([1.0, 10.0, 33.3, 200.0]))
def test_columns_equal_a_dictionary_at_every_update(updates, band):
    maker, book, expected = TapeMaker(), {BUY: {}, SELL: {}}, []
    for ms, changes in enumerate(updates):
        levels = [(side, 5_000 - side * away, lots) for side, away, lots in changes]
        maker.update(ms, *levels)
        for side, ticks, lots in levels:
            book[side][ticks] = lots
        bid = max((t for t, q in book[BUY].items() if q), default=0)
        ask = min((t for t, q in book[SELL].items() if q), default=0)
        mid = (bid + ask) / 2
        expected.append([naive(book, side, mid, band) if 0 < bid < ask else 0 for side in (BUY, SELL)])
    depth = depth_along(maker.tape(), band)
    assert np.stack(depth, axis=1).reshape(-1, 2).tolist() == expected


def test_walk_stops_where_the_book_is_full_and_goes_on_in_a_larger_one():
    maker = TapeMaker()
    for ms in range(6):
        maker.update(ms, (BUY, 4_999 - ms, 1), (SELL, 5_001 + ms, 1))
    tape = maker.tape()
    depth = type(depth_along(tape, 100.0))(np.zeros(6, np.int64), np.zeros(6, np.int64))
    assert walk(tape, new_book(4), 100.0, 2, 0, depth) == 3
    wide = maker.update(6, *((BUY, ticks, 1) for ticks in range(100, 4_900))).tape()
    assert depth_along(wide, 9_000.0).bid_lots.tolist() == [1, 2, 3, 4, 5, 6, 6 + 4_400]


def test_one_tape_and_band_are_walked_once():
    tape, _ = synthetic_tape(SyntheticMarket(updates=20))
    assert depth_along(tape, 5.0) is depth_along(tape, 5.0)
    assert depth_along(tape, 50.0) is not depth_along(tape, 5.0)
    again, _ = synthetic_tape(SyntheticMarket(updates=20))
    assert depth_along(again, 5.0) is not depth_along(tape, 5.0)


@pytest.mark.parametrize(("asked", "expected"), [(0.0001, [60, 5_050]), (0.0, [0, 0])])
def test_strategy_sees_depth_only_when_a_rule_asks_for_it(asked, expected):
    maker = TapeMaker().market(0, MID, fresh=True).update(50, (BUY, MID - 2, 10), (BUY, MID - 110, 0))
    result = run(maker.update(1_000), parameter_set(risk={"min_depth_base": asked}))
    books = result.events[result.events["kind"] == BOOK]
    assert books[1][["bid_depth_lots", "ask_depth_lots"]].tolist() == tuple(expected)
