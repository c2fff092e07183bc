import pytest

from strategy.kernel.records import BUY, SELL
from strategy.live.guard import WINDOW_NS, Guard, Limits

ATOM = 1e-7  # tick 0.01, lot 0.00001
MID = 6_000_000.0
FINE = (BUY, 5_999_000, 100)


def guard(**limits: float) -> Guard:
    return Guard(Limits(**limits), ATOM)


def test_an_ordinary_order_passes() -> None:
    assert guard().veto(0, FINE, MID, 0) is None


@pytest.mark.parametrize(
    ("limits", "order", "mid", "open_orders", "words"),
    [
        ({"max_order_notional": 59.9}, FINE, MID, 0, "notional was 59.99, the limit is 59.9"),
        ({"max_open_orders": 2}, FINE, MID, 2, "open orders were 2, the limit is 2"),
        ({"collar_bps": 1}, FINE, MID, 0, "collar: price was 2 bps from mid"),
        ({}, (BUY, 6_000_001, 100), MID, 0, "a bid at 6000001 ticks is beyond mid"),
        ({}, (SELL, 5_999_999, 100), MID, 0, "an ask at 5999999 ticks is beyond mid"),
        ({}, FINE, 0.0, 0, "a price cannot be judged"),
        ({}, FINE, float("nan"), 0, "a price cannot be judged"),
        ({}, (BUY, 5_999_000, 0), MID, 0, "both must be over 0"),
    ],
)
def test_a_breach_names_the_value_and_the_limit(limits, order, mid, open_orders, words) -> None:
    assert words in guard(**limits).veto(0, order, mid, open_orders)


def test_the_rate_counts_orders_of_the_last_ten_seconds() -> None:
    watch = guard(orders_per_10s=2)
    assert watch.veto(0, FINE, MID, 0) is None
    assert watch.veto(1, FINE, MID, 0) is None
    assert "rate: 2 orders in 10 s" in str(watch.veto(WINDOW_NS - 1, FINE, MID, 0))
    assert watch.veto(WINDOW_NS, FINE, MID, 0) is None


def test_a_vetoed_order_does_not_use_up_the_rate() -> None:
    watch = guard(orders_per_10s=1, max_order_notional=100)
    assert watch.veto(0, (BUY, 5_999_000, 1000), MID, 0) is not None
    assert watch.veto(0, FINE, MID, 0) is None
