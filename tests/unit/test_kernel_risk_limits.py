"""Kill switch, thin book, silence, collar and order rates (strategy.md 7)."""

import pytest

from strategy.kernel.records import (
    BALANCE,
    BOOK,
    BUY,
    FRESH,
    GAP,
    HALT,
    KILL,
    KILLED_BY_DAY_LOSS,
    KILLED_BY_DRAWDOWN,
    KILLED_BY_HAND,
    KILLED_BY_PANIC,
    NOT_KILLED,
    PARAMETERS,
    QUOTED,
    R_COLLAR,
    R_CROSSED,
    R_KILLED,
    R_NO_BOOK,
    R_RATE,
    R_STALE,
    R_THIN_BOOK,
    RISK,
    SELL,
    TRADE,
)
from strategy.kernel.risk import DAY_NS, may_send, note_sent, rearm, replace_holdings, throw_kill, watch_equity
from strategy.kernel.state import CORE, RATE_CAPACITY
from tests.unit.kernel_samples import SECOND, START, Hand, cancelled_ids, parameter_set, placed, records

MID = 6_000_000
ONE = {"buy_spreads": [1], "sell_spreads": [1]}
BID, ASK = 5_995_200, 6_004_800  # 8 bps around MID: sigma is unknown
TO_MIDNIGHT_NS = DAY_NS - START % DAY_NS


def quoting_hand(base_lots=1_000.0, quote_atoms=1e12, quoting=ONE, **risk):
    """Return a hand with an acknowledged bid (id 1) and ask (id 2)."""
    hand = Hand(parameter_set(quoting=quoting, risk={"stale_after_seconds": None} | risk), base_lots, quote_atoms)
    hand.ack_all(market(hand, MID, fresh=True))
    assert [hand.state_of(i) for i in (1, 2)] == [QUOTED, QUOTED]
    return hand


def market(hand, mid, after_s=0.1, fresh=False):
    """Feed an update around `mid`."""
    return hand.book(mid - 1, mid + 1, after_s, fresh)


def core_of(hand):
    """Return the core record."""
    return hand.stepper._state.core[0]


@pytest.mark.parametrize(
    ("code", "cause"), [(0, "by hand"), (KILLED_BY_HAND, "by hand"), (KILLED_BY_DRAWDOWN, "drawdown")]
)
def test_thrown_kill_switch_cancels_all_and_stays_until_a_person_re_arms_it(code, cause):
    hand = quoting_hand()
    assert cancelled_ids(hand.feed(KILL, flag=1, code=code)) == [1, 2]
    assert hand.stepper.snapshot()["kill"] == cause
    assert hand.stepper.decision["reasons"] & R_KILLED
    assert hand.cancelled(1) == hand.cancelled(2) == []
    assert market(hand, MID) == hand.feed(HALT, flag=0) == hand.feed(PARAMETERS, code=1) == []
    hand.feed(GAP)
    assert market(hand, MID, fresh=True) == []
    assert placed(hand.feed(KILL, flag=0)) == [(BUY, BID, 100), (SELL, ASK, 100)]
    assert hand.stepper.snapshot()["kill"] == ""


def test_first_cause_of_a_kill_stays():
    core = records(CORE)
    throw_kill(core, KILLED_BY_PANIC)
    throw_kill(core, KILLED_BY_DAY_LOSS)
    assert (core["kill"], core["kills"]) == (KILLED_BY_PANIC, 1)


def account(quote=0.0, base=10.0):
    """Return a core record with this account before its first value."""
    return records(CORE, quote_atoms=quote, base_lots=base, day_equity=float("nan"), peak_equity=float("nan"))


def value(core, risk, now, mid):
    """Let the kill switch see the account at a mid (ticks) and return its cause."""
    core["mid_ticks"] = mid
    watch_equity(core, risk, now)
    return core["kill"]


LOSS = records(RISK, max_daily_loss_atoms=100.0, max_drawdown=float("inf"))
DRAWDOWN = records(RISK, max_daily_loss_atoms=float("inf"), max_drawdown=0.125)


def test_day_loss_kills_over_its_limit_and_not_at_it():
    core = account()
    assert value(core, LOSS, 0, 1_000.0) == NOT_KILLED
    assert value(core, LOSS, 1, 990.0) == NOT_KILLED
    assert value(core, LOSS, 2, 989.5) == KILLED_BY_DAY_LOSS


def test_day_loss_counts_from_the_first_value_of_the_utc_day_and_not_from_the_days_best():
    core = account()
    for now, mid in ((0, 1_000.0), (1, 1_050.0), (2, 991.0), (DAY_NS - 1, 990.0), (DAY_NS, 985.0), (DAY_NS + 1, 975.0)):
        assert value(core, LOSS, now, mid) == NOT_KILLED
    assert value(core, LOSS, 2 * DAY_NS - 1, 974.9) == KILLED_BY_DAY_LOSS


def test_drawdown_kills_over_its_share_of_the_highest_value_on_any_day():
    core = account()
    for now, mid in ((0, 1_000.0), (1, 1_600.0), (DAY_NS, 1_400.0)):
        assert value(core, DRAWDOWN, now, mid) == NOT_KILLED
    assert value(core, DRAWDOWN, 2 * DAY_NS, 1_399.9) == KILLED_BY_DRAWDOWN


@pytest.mark.parametrize(("risk", "at", "over"), [(LOSS, 990.0, 989.9), (DRAWDOWN, 875.0, 874.9)])
def test_withdrawal_and_deposit_are_neither_loss_nor_profit(risk, at, over):
    core = account()
    value(core, risk, 0, 1_000.0)
    replace_holdings(core, 10.0, -4_000.0)
    assert value(core, risk, 1, 1_000.0) == NOT_KILLED
    replace_holdings(core, 10.0, 0.0)
    assert value(core, risk, 2, at) == NOT_KILLED
    assert value(core, risk, 3, over) != NOT_KILLED


def test_re_armed_switch_counts_losses_from_its_re_arming():
    core = account()
    value(core, LOSS, 0, 1_000.0)
    assert value(core, LOSS, 1, 980.0) == KILLED_BY_DAY_LOSS
    rearm(core, 2)
    assert value(core, LOSS, 2, 980.0) == NOT_KILLED
    assert value(core, LOSS, 3, 970.0) == NOT_KILLED
    assert value(core, LOSS, 4, 969.9) == KILLED_BY_DAY_LOSS


def test_day_loss_in_the_whole_step_cancels_and_a_balance_event_does_not_hide_or_cause_it():
    hand = quoting_hand(max_daily_loss_quote=10.0)  # 10 quote are 1e8 atoms: 100,000 ticks on 1,000 lots
    assert hand.feed(BALANCE, base_lots=1_000.0, quote_atoms=5e11) == []
    assert market(hand, MID - 100_000) == []
    assert hand.feed(BALANCE, base_lots=1_000.0, quote_atoms=1e12) == []
    assert cancelled_ids(market(hand, MID - 100_001)) == [1, 2]
    assert hand.stepper.snapshot()["kill"] == "day loss"


def test_balance_before_the_first_book_spoils_no_loss_limit():
    hand = Hand(parameter_set(quoting=ONE, risk={"max_daily_loss_quote": 10.0}))
    hand.feed(BALANCE, base_lots=1_000.0, quote_atoms=5e11)
    market(hand, MID, fresh=True)
    market(hand, MID - 100_000)
    assert hand.stepper.snapshot()["kill"] == ""
    market(hand, MID - 100_001)
    assert hand.stepper.snapshot()["kill"] == "day loss"


def test_crossed_book_is_no_loss():
    hand = quoting_hand(max_daily_loss_quote=10.0)
    hand.book(MID - 400_000, MID - 400_001)
    assert hand.stepper.snapshot()["kill"] == ""


def depth(hand, bid_lots, ask_lots, fresh=False):
    """Feed a book around MID with these depths within the band."""
    fields = {"bid_ticks": MID - 1, "ask_ticks": MID + 1, "bid_depth_lots": bid_lots, "ask_depth_lots": ask_lots}
    return hand.feed(BOOK, 0.1, flag=FRESH if fresh else 0, **fields)


@pytest.mark.parametrize(("bid_lots", "ask_lots"), [(499, 500), (500, 499), (0, 10_000)])
def test_thin_side_cancels_all_and_quoting_waits_for_exactly_enough_depth(bid_lots, ask_lots):
    hand = Hand(parameter_set(quoting=ONE, risk={"min_depth_base": 0.005}))
    hand.ack_all(depth(hand, 500, 500, fresh=True))
    assert hand.state_of(2) == QUOTED
    assert cancelled_ids(depth(hand, bid_lots, ask_lots)) == [1, 2]
    assert hand.stepper.decision["reasons"] & R_THIN_BOOK
    assert hand.cancelled(1) == hand.cancelled(2) == []
    assert depth(hand, bid_lots, ask_lots) == []
    assert len(placed(depth(hand, 500, 500))) == 2


def test_depth_is_not_asked_for_where_the_rule_is_off():
    hand = Hand(parameter_set(quoting=ONE))
    assert len(placed(depth(hand, 0, 0, fresh=True))) == 2


def test_silence_cancels_by_its_timer_and_only_a_fresh_book_brings_quotes_back():
    hand = quoting_hand(stale_after_seconds=2.0)
    due = hand.now + 2 * SECOND
    assert hand.stepper.next_wake_ns == due
    assert hand.timer(1.999_999_999) == []
    assert cancelled_ids(hand.timer(0.000_000_001)) == [1, 2]
    assert hand.now == due
    assert hand.stepper.decision["reasons"] & (R_STALE | R_NO_BOOK) == R_STALE
    assert hand.stepper.needs_snapshot
    assert hand.stepper.next_wake_ns == 0
    assert hand.cancelled(1) == hand.cancelled(2) == []
    assert market(hand, MID) == market(hand, MID + 5) == []
    assert len(placed(market(hand, MID, fresh=True))) == 2


def test_debounced_updates_and_trades_do_not_break_a_silence():
    hand = quoting_hand(stale_after_seconds=0.04)
    market(hand, MID, after_s=0.03)
    hand.feed(TRADE, side=BUY, price_ticks=MID, qty_lots=1)
    assert cancelled_ids(hand.timer(0.01)) == [1, 2]


def test_accepted_update_puts_the_silence_off():
    hand = quoting_hand(stale_after_seconds=2.0)
    market(hand, MID, after_s=1.5)
    assert hand.stepper.next_wake_ns == hand.now + 2 * SECOND
    assert hand.timer(1.999) == []


def test_crossed_market_that_falls_silent_needs_a_fresh_book_too():
    hand = quoting_hand(stale_after_seconds=2.0)
    hand.book(MID, MID)
    hand.timer(1.9)
    assert hand.stepper.decision["reasons"] & (R_STALE | R_CROSSED) == R_STALE
    assert market(hand, MID) == []
    assert hand.stepper.needs_snapshot


def trade(hand, ticks):
    """Feed a public trade."""
    assert hand.feed(TRADE, side=BUY, price_ticks=ticks, qty_lots=1) == []


def first_quotes(last_trade=None, quoting=ONE, imbalance_bps=None, bid_lots=10):
    """Return what a collar of 20 bps lets through on a first book after a trade, and why not all."""
    signals = [] if imbalance_bps is None else [{"policy": "imbalance", "imbalance_bps": imbalance_bps}]
    hand = Hand(parameter_set(quoting=quoting, risk={"collar_bps": 20.0}, signals=signals))
    if last_trade is not None:
        trade(hand, last_trade)
    fields = {"bid_ticks": MID - 50_000, "ask_ticks": MID + 50_000, "bid_lots": bid_lots, "ask_lots": 10}
    actions = hand.feed(BOOK, 0.1, flag=FRESH, **fields)
    return {side: price for side, price, _ in placed(actions)}, hand.stepper.decision["reasons"] & R_COLLAR != 0


def test_quotes_however_wide_are_within_the_collar_on_their_own_side():
    quotes, refused = first_quotes(quoting=ONE | {"fallback_spread_bps": 80.0})
    assert quotes == {BUY: 5_952_000, SELL: 6_048_000}
    assert not refused


@pytest.mark.parametrize(("shift_bps", "sides"), [(25.0, {BUY, SELL}), (30.0, {SELL}), (-30.0, {BUY})])
def test_quote_beyond_mid_by_more_than_the_collar_is_refused(shift_bps, sides):
    # 8 bps behind a reference that stands 25 or 30 bps away: 17 or 22 bps on the wrong side of mid.
    bid_lots = 210 if shift_bps > 0 else 0
    shift_at_one_side = abs(shift_bps) * 1.1 if shift_bps > 0 else abs(shift_bps)  # (210 - 10) / 220, or -1
    quotes, refused = first_quotes(imbalance_bps=shift_at_one_side, bid_lots=bid_lots)
    assert set(quotes) == sides
    assert refused == (len(sides) < 2)


@pytest.mark.parametrize(
    ("last_trade", "sides"),
    [
        (MID, {BUY, SELL}),
        (5_983_234, {BUY, SELL}),  # BID is exactly 20 bps over 5,983,233.5…: not further
        (5_983_233, {SELL}),
        (6_016_833, {BUY, SELL}),
        (6_016_834, {BUY}),
        (MID * 2, {BUY}),
        (MID // 2, {SELL}),
    ],
)
def test_quote_beyond_the_last_trade_by_more_than_the_collar_is_refused(last_trade, sides):
    quotes, refused = first_quotes(last_trade=last_trade)
    assert set(quotes) == sides
    assert refused == (len(sides) < 2)


def test_refused_level_is_quoted_once_a_trade_is_near():
    hand = Hand(parameter_set(quoting=ONE, risk={"collar_bps": 20.0}))
    trade(hand, MID * 2)
    assert [side for side, _, _ in placed(market(hand, MID, fresh=True))] == [BUY]
    assert core_of(hand)["collared"] == 1
    trade(hand, MID)
    assert [side for side, _, _ in placed(market(hand, MID))] == [SELL]


def test_rate_holds_back_what_is_over_it_until_the_oldest_order_is_a_second_old():
    quoting = {"buy_spreads": [1, 2], "sell_spreads": [1, 2]}
    hand = Hand(parameter_set(quoting=quoting, risk={"max_orders_per_second": 3}))
    hand.ack_all(market(hand, MID, fresh=True))
    assert core_of(hand)["orders_sent"] == 3
    sent = hand.now
    assert hand.stepper.next_wake_ns == sent + SECOND
    assert hand.timer(0.999_999_999) == []
    assert len(placed(hand.timer(0.000_000_001))) == 1


def test_rate_slides_over_the_seconds_bounds():
    hand = Hand(parameter_set(quoting=ONE | {"cooldown_time": 0.0}, risk={"max_orders_per_second": 3}))
    first = market(hand, MID, fresh=True)
    assert len(first) == 2
    hand.ack_all(first)
    third = hand.fill(first[0], 100, 0, after_s=0.6)
    assert len(placed(third)) == 1
    assert hand.fill(third[0], 100, 0, after_s=0.2) == []
    assert core_of(hand)["rate_limited"] == 1
    fourth = hand.timer(0.2)
    assert len(placed(fourth)) == 1
    assert len(placed(hand.fill(fourth[0], 100, 0))) == 1  # of the last second: 0.6, 1.0 and now
    assert hand.fill(first[1], 100, 0) == []
    assert hand.stepper.next_wake_ns == START + round(1.7 * SECOND)


def test_cancels_go_out_whatever_the_rate():
    hand = quoting_hand(max_orders_per_second=2, max_orders_per_day=2)
    assert cancelled_ids(hand.feed(HALT, flag=1)) == [1, 2]


def test_orders_of_a_day_are_counted_from_midnight_utc():
    hand = quoting_hand(max_orders_per_day=2, quoting=ONE | {"executor_refresh_time": 20.0})
    hand.feed(HALT, flag=1)
    hand.cancelled(1)
    assert hand.feed(HALT, flag=0) == []
    assert hand.stepper.decision["reasons"] & R_RATE
    assert hand.stepper.next_wake_ns == START + TO_MIDNIGHT_NS
    hand.now = START + TO_MIDNIGHT_NS - 1
    assert hand.timer() == []
    hand.now += 1
    assert len(placed(hand.timer())) == 1


@pytest.mark.parametrize("limit", [1, 5, RATE_CAPACITY])
def test_no_second_ever_sees_more_orders_than_its_limit(limit):
    core, risk = records(CORE), records(RISK, orders_per_second=limit)
    ring = records_ring()
    times = []
    now = START
    for turn in range(2_000):
        now += (turn * 7_919) % 13_000_000
        if may_send(core, ring, risk, now):
            note_sent(core, ring, now)
            times.append(now)
        else:
            assert now < core["rate_free_ns"] == times[-limit] + SECOND
    assert len(times) > limit
    assert all(later - earlier >= SECOND for earlier, later in zip(times, times[limit:], strict=False))


def records_ring():
    """Return an empty ring of the moments at which orders went out."""
    return Hand(parameter_set()).stepper._state.sent
