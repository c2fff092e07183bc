import pytest

from strategy.kernel.records import BUY, SELL
from strategy.live.guard import WINDOW_NS, Guard, Limits, Wish

ATOM = 1e-7  # tick 0.01, lot 0.00001
MID = 6_000_000.0
FINE = Wish(BUY, 5_999_000, 100)
OURS = [(SELL, 6_010_000)]


def guard(**limits: float) -> Guard:
    return Guard(Limits(**limits), ATOM)


def test_an_ordinary_order_passes() -> None:
    assert guard().veto(0, FINE, MID, ()) is None


@pytest.mark.parametrize(
    ("limits", "order", "mid", "ours", "words"),
    [
        ({"max_order_notional": 59.9}, FINE, MID, (), "notional was 59.99, the limit is 59.9"),
        ({"max_open_orders": 2}, FINE, MID, OURS * 2, "open orders were 2, the limit is 2"),
        ({"collar_bps": 1}, FINE, MID, (), "collar: price was 2 bps from mid"),
        ({}, Wish(BUY, 6_000_001, 100), MID, (), "a bid at 6000001 ticks is beyond mid"),
        ({}, Wish(SELL, 5_999_999, 100), MID, (), "an ask at 5999999 ticks is beyond mid"),
        ({}, FINE, 0.0, (), "a price cannot be judged"),
        ({}, FINE, float("nan"), (), "a price cannot be judged"),
        ({}, Wish(BUY, 5_999_000, 0), MID, (), "both must be over 0"),
    ],
)
def test_a_breach_names_the_value_and_the_limit(limits, order, mid, ours, words) -> None:
    assert words in guard(**limits).veto(0, order, mid, ours)


def test_the_rate_counts_orders_of_the_last_ten_seconds() -> None:
    watch = guard(orders_per_10s=2)
    assert watch.veto(0, FINE, MID, ()) is None
    assert watch.veto(1, FINE, MID, ()) is None
    assert "rate: 2 orders in 10 s" in str(watch.veto(WINDOW_NS - 1, FINE, MID, ()))
    assert watch.veto(WINDOW_NS, FINE, MID, ()) is None


def test_a_vetoed_order_does_not_use_up_the_rate() -> None:
    watch = guard(orders_per_10s=1, max_order_notional=100)
    assert watch.veto(0, Wish(BUY, 5_999_000, 1000), MID, ()) is not None
    assert watch.veto(0, FINE, MID, ()) is None


def taker(side: int, price_ticks: int) -> Wish:
    return Wish(side, price_ticks, 100, takes=True)


@pytest.mark.parametrize("wish", [taker(BUY, 6_003_000), taker(SELL, 5_997_000), taker(BUY, 5_997_000)])
def test_a_taker_may_cross_mid_up_to_the_collar_on_either_side(wish: Wish) -> None:
    assert guard(collar_bps=5).veto(0, wish, MID, ()) is None
    assert "the limit is 4" in str(guard(collar_bps=4).veto(0, wish, MID, ()))


@pytest.mark.parametrize(
    ("wish", "ours", "words"),
    [
        (taker(BUY, 6_000_100), (SELL, 6_000_100), "reaches our own ask at 6000100"),
        (taker(BUY, 6_000_100), (SELL, 6_000_101), None),
        (taker(SELL, 5_999_900), (BUY, 5_999_900), "reaches our own bid at 5999900"),
        (taker(SELL, 5_999_900), (BUY, 5_999_899), None),
        (taker(BUY, 6_000_100), (BUY, 6_000_000), None),
        (Wish(BUY, 5_999_000, 100), (SELL, 5_998_000), None),
    ],
)
def test_a_taker_that_reaches_an_order_of_ours_is_vetoed(wish, ours, words) -> None:
    reason = guard().veto(0, wish, MID, [(-ours[0], 5_000_000 if ours[0] == SELL else 7_000_000), ours])
    assert reason is None if words is None else words in str(reason)


def test_a_taker_never_rests_but_counts_in_the_rate() -> None:
    watch = guard(max_open_orders=1, orders_per_10s=1)
    assert watch.veto(0, taker(BUY, 6_000_100), MID, OURS) is None
    assert "rate: 1 orders in 10 s" in str(watch.veto(1, taker(BUY, 6_000_100), MID, OURS))
