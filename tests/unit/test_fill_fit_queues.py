"""What queues told, from hand-made tapes: falls, rises and trades in order, with our own order taken out."""

import numpy as np
import pytest

from analytics.fill_fit.own_orders import OwnOrder, digest
from analytics.fill_fit.queues import FALL, FILLED, PASSED, RISE, Told, observe
from strategy.kernel.records import BUY, SELL
from strategy.replay.tape import Tape, empty_tape

PRICE = 500


def market(rows: list[tuple[int, int]], trades: list[tuple[int, int]], gaps: tuple[int, ...] = ()) -> Tape:
    """Return a tape whose only bid is at PRICE; rows are (ns, shown), trades (ns, lots)."""
    times, shown = np.array(rows, np.int64).T
    trade_ns, lots = np.array(trades, np.int64).reshape(-1, 2).T
    count = len(rows)
    return empty_tape(
        update_exch=times,
        update_local=times,
        fresh=np.array([1] + [0] * (count - 1), np.int8),
        bid_ticks=np.full(count, PRICE),
        bid_lots=shown,
        ask_ticks=np.full(count, PRICE + 9),
        ask_lots=shown,
        level_start=np.arange(count + 1),
        level_side=np.full(count, BUY, np.int8),
        level_ticks=np.full(count, PRICE),
        level_lots=shown,
        trade_exch=trade_ns,
        trade_local=trade_ns,
        trade_side=np.full(len(lots), SELL, np.int8),
        trade_ticks=np.full(len(lots), PRICE),
        trade_lots=lots,
        gap_exch=np.array(gaps, np.int64),
        gap_local=np.array(gaps, np.int64),
    )


def order(joined: int, ended: int, fills: tuple[tuple[int, int], ...] = (), qty: int = 10) -> OwnOrder:
    ns, lots = np.array(fills, np.int64).reshape(-1, 2).T
    return OwnOrder(BUY, PRICE, qty, joined, ended, ns, lots)


def steps(told: Told) -> list[tuple[int, float, float, float]]:
    queues = told.queues
    columns = (queues.kind, queues.lots, queues.own_lots, queues.spare_lots)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_an_order_stands_behind_the_others_and_its_own_lots_are_no_news() -> None:
    # 100 before, 110 with ours; 30 cancel, 20 trade, 15 join
    tape = market([(0, 100), (100, 110), (200, 80), (300, 60), (400, 75)], [(250, 20)])
    told = observe(tape, [order(50, 500)])
    assert told.queues.ahead_lots.tolist() == [100.0]
    assert steps(told) == [(FALL, 30.0, 0.0, 0.0), (PASSED, 20.0, 0.0, 0.0), (RISE, 15.0, 0.0, 0.0)]


def test_a_fall_is_spread_over_its_update_so_that_a_trade_meets_what_came_before_it() -> None:
    tape = market([(0, 100), (100, 110), (200, 50)], [(125, 20)])  # 60 less: 20 traded, 40 cancelled
    assert steps(observe(tape, [order(50, 300)])) == [
        (FALL, 10.0, 0.0, 0.0),
        (PASSED, 20.0, 0.0, 0.0),
        (FALL, 30.0, 0.0, 0.0),
    ]


def test_what_was_cancelled_before_an_order_came_does_not_stand_ahead() -> None:
    told = observe(market([(0, 100), (100, 70)], [(90, 1)]), [order(25, 300)])  # of 39 that left, a quarter before
    assert told.queues.ahead_lots[0] == pytest.approx(100 - 39 * 0.25)


def test_fills_belong_to_their_trades_and_end_the_story() -> None:
    tape = market([(0, 30), (100, 40), (200, 0)], [(150, 30), (150, 6), (160, 4), (300, 4)])
    told = observe(tape, [order(50, 300, ((150, 6), (160, 4)))])
    assert steps(told) == [(PASSED, 30.0, 0.0, 0.0), (FILLED, 6.0, 6.0, 4.0)]
    assert told.unmatched == 0


def test_a_fill_of_a_larger_print_says_so() -> None:
    told = observe(market([(0, 30), (100, 40), (200, 0)], [(150, 45)]), [order(50, 150, ((150, 10),))])
    assert steps(told)[-1] == (FILLED, 45.0, 10.0, 0.0)


def test_a_fill_without_a_print_ends_what_is_known() -> None:
    told = observe(market([(0, 30), (100, 40), (200, 20)], [(120, 5), (180, 5)]), [order(50, 150, ((150, 10),))])
    assert steps(told) == [(PASSED, 5.0, 0.0, 0.0)]
    assert told.unmatched == 1


def test_orders_that_tell_nothing_are_counted() -> None:
    tape = market([(10, 0), (100, 10), (200, 30)], [(150, 5)], gaps=(400,))
    lonely, before, blind, quiet = order(50, 180), order(5, 8), order(450, 500), order(160, 199)
    assert observe(tape, [lonely, before, blind, quiet]).silent == 4


def test_a_gap_ends_what_is_known() -> None:
    tape = market([(0, 100), (100, 110)], [(120, 5), (180, 5)], gaps=(150,))
    assert steps(observe(tape, [order(50, 300)])) == [(PASSED, 5.0, 0.0, 0.0)]


def test_other_prices_and_the_other_side_are_not_looked_at() -> None:
    tape = market([(0, 100), (100, 110)], [(120, 5), (130, 7)])
    tape = tape._replace(trade_side=np.array([SELL, BUY], np.int8))
    other = OwnOrder(SELL, PRICE, 10, 50, 300, *np.zeros((2, 0), np.int64))
    told = observe(tape, [order(50, 300), other])
    assert (len(told.queues), told.silent) == (1, 1)


def test_a_digest_is_of_every_part_of_every_order() -> None:
    orders = [order(1, 2), order(1, 3), order(1, 2, qty=9), order(1, 2, ((2, 1),)), order(1, 2, ((2, 2),))]
    assert len({digest([each]) for each in orders}) == len(orders)
    assert digest(orders) == digest(list(orders))
