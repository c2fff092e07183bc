"""Signals in the whole step (strategy.md 5): neutral means bit for bit neutral, and a shift never crosses."""

import numpy as np
import pytest

from strategy.kernel.records import BOOK, BUY, FRESH, PLACE, R_CROSS_ADJUSTED, SELL, TRADE
from tests.unit.kernel_samples import Hand, parameter_set, placed

MID = 6_000_000
ONE = {"buy_spreads": [1], "sell_spreads": [1]}
TREND = {"policy": "trend", "bar_seconds": 0.5, "threshold": 0.003, "trend_bias": 0.5}


def decisions(signals, seed, step_ticks):
    """Return the decisions of a random stream of books and trades, all its own orders acknowledged, some filled."""
    rng, found = np.random.default_rng(seed), []
    hand = Hand(parameter_set("skewed", quoting={"executor_refresh_time": 1.0}, signals=signals))
    mid, open_orders = MID, []
    for turn in range(600):
        mid += int(rng.normal(0, step_ticks))
        if rng.random() < 0.2:
            actions = hand.feed(TRADE, 0.02, side=BUY, price_ticks=mid, qty_lots=int(rng.integers(1, 50)))
        elif open_orders and rng.random() < 0.1:
            actions = hand.fill(open_orders.pop(0), 50, 50)
        else:
            sizes = {"bid_lots": int(rng.integers(1, 90)), "ask_lots": int(rng.integers(1, 90))}
            fields = {"bid_ticks": mid - 2, "ask_ticks": mid + 2, "flag": FRESH if turn == 0 else 0}
            actions = hand.feed(BOOK, 0.07, **fields, **sizes)
        while actions:
            found.append(hand.stepper.decision.copy())
            answers = []
            for action in actions:
                order_id = int(action["order_id"])
                if action["kind"] == PLACE:
                    open_orders.append(action)
                    answers += hand.ack(order_id)
                else:
                    answers += hand.cancelled(order_id)
            actions = answers
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_trend_inside_its_threshold_is_bit_for_bit_no_trend(seed):
    plain, neutral = decisions([], seed, 200), decisions([TREND], seed, 200)
    assert len(plain) == len(neutral) > 30
    for left, right in zip(plain, neutral, strict=True):
        assert bits(left) == bits(right)


def test_same_stream_with_a_threshold_within_its_reach_decides_otherwise():
    plain, leaning = decisions([], 1, 200), decisions([TREND | {"threshold": 0.00001}], 1, 200)
    assert list(map(bits, plain)) != list(map(bits, leaning))


def bits(decision):
    """Return every field's bytes (between them are unused ones)."""
    return {name: decision[name].tobytes() for name in decision.dtype.names}


def quotes(bid_lots, ask_lots, imbalance_bps, half=1, **quoting):
    """Return the first quotes by side and their decision on a book with these sizes at the best."""
    signals = [{"policy": "imbalance", "imbalance_bps": imbalance_bps}]
    hand = Hand(parameter_set(quoting=ONE | quoting, signals=signals))
    fields = {"bid_ticks": MID - half, "ask_ticks": MID + half, "bid_lots": bid_lots, "ask_lots": ask_lots}
    actions = hand.feed(BOOK, 0.1, flag=FRESH, **fields)
    return {side: price for side, price, _ in placed(actions)}, hand.stepper.decision


@pytest.mark.parametrize(
    ("bid_lots", "ask_lots", "reference", "bid", "ask"),
    [
        (10, 10, 6_000_000.0, 5_995_200, 6_004_800),
        (30, 10, 6_000_600.0, 5_995_799, 6_005_401),
        (10, 30, 5_999_400.0, 5_994_600, 6_004_200),
        (10, 0, 6_001_200.0, 5_996_399, 6_006_001),
    ],
)
def test_imbalance_moves_the_reference_price_and_both_quotes_with_it(bid_lots, ask_lots, reference, bid, ask):
    found, decision = quotes(bid_lots, ask_lots, 2.0)
    assert decision["reference_ticks"] == pytest.approx(reference, rel=1e-15)
    assert decision["mid_ticks"] == MID
    assert found == {BUY: bid, SELL: ask}


@pytest.mark.parametrize(("bid_lots", "ask_lots"), [(10, 0), (0, 10)])
def test_quote_that_the_shift_would_make_cross_stands_one_tick_behind_the_opposite_best(bid_lots, ask_lots):
    found, decision = quotes(bid_lots, ask_lots, 10.0, half=500)
    assert decision["reasons"] & R_CROSS_ADJUSTED
    assert found[BUY if bid_lots else SELL] == (MID + 499 if bid_lots else MID - 499)
    assert found[BUY] < found[SELL]


def test_quote_that_the_shift_would_make_cross_is_dropped_where_asked():
    found, _ = quotes(10, 0, 10.0, half=500, on_cross="drop")
    assert set(found) == {SELL}


def test_reference_of_a_decision_without_quotes_is_the_mid():
    signals = [{"policy": "imbalance", "imbalance_bps": 10.0}]
    hand = Hand(parameter_set(signals=signals, risk={"min_depth_base": 1.0}))
    hand.feed(BOOK, 0.1, flag=FRESH, bid_ticks=MID - 1, ask_ticks=MID + 1, bid_lots=10, ask_lots=1)
    assert hand.stepper.decision["reference_ticks"] == MID
