import pytest

from strategy.kernel.records import BUY, SELL
from strategy.live.guard import DAY_NS, WINDOW_NS, Guard, Limits, Standing, Wish

ATOM = 1e-7  # tick 0.01, lot 0.00001
MID = 6_000_000.0
FINE = Wish(BUY, 5_999_000, 100)
OURS = [(SELL, 6_010_000, 100)]
EMPTY = Standing()


def guard(**limits: float) -> Guard:
    return Guard(Limits(**limits), ATOM)


def test_an_ordinary_order_passes() -> None:
    assert guard().veto(0, FINE, MID, EMPTY) is None


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
    assert words in guard(**limits).veto(0, order, mid, Standing(ours=ours))


@pytest.mark.parametrize(("side", "away"), [(SELL, 1), (BUY, -1)])
def test_a_take_profit_may_rest_far_out_and_short_of_the_touch_in_a_wide_book(side: int, away: int) -> None:
    def veto(bps: int) -> str | None:
        wish = Wish(side, round(MID * (1 + away * bps / 1e4)), 100, takes_profit=True)
        return guard(collar_bps=50).veto(0, wish, MID, EMPTY)

    assert [veto(bps) for bps in (700, 20, 0, -20, -50)] == [None] * 5
    assert "price was 51 bps from mid, the limit is 50" in str(veto(-51))


def test_the_rate_counts_orders_of_the_last_ten_seconds() -> None:
    watch = guard(orders_per_10s=2)
    assert watch.veto(0, FINE, MID, EMPTY) is None
    assert watch.veto(1, FINE, MID, EMPTY) is None
    assert "rate: 2 orders in 10 s" in str(watch.veto(WINDOW_NS - 1, FINE, MID, EMPTY))
    assert watch.veto(WINDOW_NS, FINE, MID, EMPTY) is None


def test_a_vetoed_order_does_not_use_up_the_rate() -> None:
    watch = guard(orders_per_10s=1, max_order_notional=100)
    assert watch.veto(0, Wish(BUY, 5_999_000, 1000), MID, EMPTY) is not None
    assert watch.veto(0, FINE, MID, EMPTY) is None


def taker(side: int, price_ticks: int) -> Wish:
    return Wish(side, price_ticks, 100, takes=True)


@pytest.mark.parametrize("wish", [taker(BUY, 6_003_000), taker(SELL, 5_997_000), taker(BUY, 5_997_000)])
def test_a_taker_may_cross_mid_up_to_the_collar_on_either_side(wish: Wish) -> None:
    assert guard(collar_bps=5).veto(0, wish, MID, EMPTY) is None
    assert "the limit is 4" in str(guard(collar_bps=4).veto(0, wish, MID, EMPTY))


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
    far = (-ours[0], 5_000_000 if ours[0] == SELL else 7_000_000, 100)
    reason = guard().veto(0, wish, MID, Standing(ours=[far, (*ours, 100)]))
    assert reason is None if words is None else words in str(reason)


def test_a_taker_never_rests_but_counts_in_the_rate() -> None:
    watch = guard(max_open_orders=1, orders_per_10s=1)
    assert watch.veto(0, taker(BUY, 6_000_100), MID, Standing(ours=OURS)) is None
    assert "rate: 1 orders in 10 s" in str(watch.veto(1, taker(BUY, 6_000_100), MID, Standing(ours=OURS)))


@pytest.mark.parametrize(
    ("wish", "held", "ours", "words"),
    [
        (FINE, 0.0, [], None),
        (FINE, 900.0, [], None),
        (FINE, 901.0, [], "position would be worth 600.50, the limit is 600"),
        (FINE, 700.0, [(BUY, 5_990_000, 201)], "position would be worth 600.50"),
        (FINE, 700.0, [(SELL, 6_010_000, 201)], None),
        (Wish(SELL, 6_001_000, 100), 5_000.0, [], None),
        (Wish(SELL, 6_001_000, 100), -901.0, [], "position would be worth 600.70"),
        (Wish(BUY, 5_999_000, 100), -5_000.0, [], None),
    ],
)
def test_a_position_may_not_grow_over_the_limit_with_all_its_orders_filled(wish, held, ours, words) -> None:
    reason = guard(max_position=600.0).veto(0, wish, MID, Standing(held, ours))
    assert reason is None if words is None else words in str(reason)


def test_an_order_that_would_meet_somebody_elses_on_this_account_is_vetoed_even_when_it_only_rests() -> None:
    others = [(SELL, 5_999_000)]
    assert "an order at 5999000 ticks reaches our own ask" in str(guard().veto(0, FINE, MID, Standing(others=others)))
    assert guard().veto(0, FINE, MID, Standing(others=[(SELL, 5_999_001), (BUY, 6_100_000)])) is None


def test_the_days_orders_are_counted_over_restarts_and_begin_anew_with_the_day() -> None:
    watch = guard(orders_per_day=3, orders_per_10s=100)
    watch.begin(20_000, 2)
    now_ns = 20_000 * DAY_NS
    assert watch.veto(now_ns, FINE, MID, EMPTY) is None
    assert "rate: 3 orders today, the limit is 3" in str(watch.veto(now_ns + 1, FINE, MID, EMPTY))
    assert watch.veto(now_ns + DAY_NS, FINE, MID, EMPTY) is None
    assert watch.orders_today == 1
