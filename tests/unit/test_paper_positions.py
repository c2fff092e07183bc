from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from strategy.kernel.records import BUY, SELL
from strategy.venues.paper.book import CROWD, Order
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.futures.positions import Position
from strategy.venues.paper.market import Market
from strategy.venues.paper.orders import Ticket
from strategy.venues.paper.refusals import Refusal

START_NS = 1_700_000_000_000_000_000
CONFIG = PaperConfig(
    symbol="BTC/USDT:USDT",
    start_price=Decimal(100),
    quote=Decimal(1_000),
    lot_size="0.001",
    maker_fee_bps=Decimal(2),
    taker_fee_bps=Decimal(5),
)


class Room:
    """A futures market whose crowd does what the test says."""

    def __init__(self):
        self.market = Market(CONFIG, START_NS)
        self.desk, self.account, self.engine = self.market.desk, self.market.account, self.market.engine
        for half in (self.engine.book.bids, self.engine.book.asks):
            for price in list(half.levels):
                for order in list(half.levels[price].orders.values()):
                    half.remove(order)
        self.refusals = set()
        self._ids = 0

    def crowd(self, side, price, qty):
        left = self.engine.take(CROWD, side, price, qty).leaves
        if left:
            self.engine.book.rest(Order(self.engine.next_order_id(), CROWD, side, price, left))

    def place(self, side, price, qty, reduce_only=False, kind="LIMIT", time_in_force="GTC"):
        self._ids += 1
        return self.desk.place(Ticket(f"c{self._ids}", side, kind, time_in_force, price, qty, reduce_only))

    @property
    def lots(self):
        return self.account.positions["BOTH"].lots


@pytest.fixture
def room():
    room = Room()
    room.crowd(BUY, 9_990, 5_000)
    room.crowd(SELL, 10_010, 5_000)
    return room


def test_one_sweep_closes_a_position_and_leaves_the_reduce_only_order_behind_it_alone(room):
    room.place(BUY, 10_010, 1_000)
    plain = room.place(SELL, 10_005, 1_000)
    reducing = room.place(SELL, 10_006, 1_000, reduce_only=True)
    room.crowd(BUY, 10_006, 2_000)
    assert (plain.status, reducing.status, reducing.filled) == ("FILLED", "EXPIRED", 0)
    assert room.lots == 0


def test_reduce_only_orders_together_never_rest_for_more_than_the_position(room):
    room.place(BUY, 10_010, 1_000)
    first = room.place(SELL, 10_020, 600, reduce_only=True)
    second = room.place(SELL, 10_030, 600, reduce_only=True)
    assert room.engine.book.asks.size(10_030) == 400
    room.place(SELL, 9_990, 700)
    assert (first.resting.leaves, second.status) == (300, "EXPIRED")
    room.crowd(BUY, 10_030, 10_000)
    assert (room.lots, first.filled, first.status) == (0, 300, "EXPIRED")


def test_a_short_is_closed_by_buying_at_a_profit(room):
    wallet = room.account.wallet_units
    room.place(SELL, 9_990, 1_000)
    room.place(BUY, 9_950, 1_000, reduce_only=True)
    room.crowd(SELL, 9_950, 20_000)
    notional = 99_90_000_000 + 99_50_000_000
    fees = 99_90_000_000 * 5 // 10_000 + 99_50_000_000 * 2 // 10_000
    assert notional > 0
    assert (room.lots, room.account.wallet_units - wallet) == (0, 40_000_000 - fees)


def test_a_resting_order_needs_margin_on_its_worse_side_only(room):
    most = 1_000 * 20
    assert room.account.margin_units() == 0
    room.place(BUY, 9_900, 100_000)
    used = room.account.margin_units()
    assert used == 9_900_00_000_000 // 20
    room.place(SELL, 10_100, 90_000)
    assert room.account.margin_units() == used
    with pytest.raises(Refusal, match="Margin is insufficient"):
        room.place(BUY, 9_900, most * 100)
    room.desk.cancel_all(lambda: "x")
    assert room.account.margin_units() == 0


def test_futures_are_settled_in_their_quote_asset():
    with pytest.raises(ValidationError, match="settled in USDT"):
        PaperConfig(symbol="BTC/USDT:BTC")


trades = st.lists(
    st.tuples(st.sampled_from((BUY, SELL)), st.integers(1, 5_000), st.integers(9_000, 11_000)), max_size=40
)


@given(trades)
def test_what_was_realized_and_what_is_open_are_all_that_was_paid(flow):
    position, realized, paid = Position("BOTH"), 0, 0
    for side, qty, price in flow:
        realized += position.trade(side, qty, qty * price)
        paid += side * qty * price
    assert position.lots == sum(side * qty for side, qty, _ in flow)
    assert realized == position.cost_units - paid
    assert position.lots or not position.cost_units


flow = st.lists(
    st.tuples(
        st.sampled_from(("limit", "market", "reduce", "reduce market", "crowd", "cancel")),
        st.sampled_from((BUY, SELL)),
        st.integers(9_950, 10_050),
        st.integers(100, 2_000),
    ),
    max_size=40,
)


@given(flow)
def test_in_any_flow_reduce_only_never_opens_and_the_wallet_is_what_the_trades_say(actions):
    room, start = Room(), 1_000 * 100_000_000
    for what, side, price, qty in actions:
        _act(room, what, side, price, qty)
        done = room.desk.trades
        assert room.lots == sum(trade.side * trade.qty for trade in done)
        assert room.account.wallet_units == start + sum(t.realized_units - t.commission_units for t in done)
        resting = [order for order in room.desk.open_orders() if order.ticket.reduce_only]
        for way in (BUY, SELL):
            assert sum(order.resting.leaves for order in resting if order.ticket.side == way) <= max(
                0, -way * room.lots
            )
    assert room.refusals <= {-2011, -2019, -2022, -4164}
    held = 0
    for trade in room.desk.trades:
        if room.desk.orders[trade.order_id].ticket.reduce_only:
            assert trade.side * held < 0
            assert trade.qty <= abs(held)
        held += trade.side * trade.qty
    if room.desk.open_orders():
        room.desk.cancel_all(lambda: "x")
    assert not any(room.account._resting.values())


def _act(room, what, side, price, qty):
    if what == "crowd":
        room.crowd(side, price, qty)
        return
    try:
        if what == "cancel":
            room.desk.cancel_all(lambda: "x")
        elif what.endswith("market"):
            room.place(side, 0, qty, what.startswith("reduce"), "MARKET")
        else:
            room.place(side, price, qty, what == "reduce")
    except Refusal as refused:
        room.refusals.add(refused.code)
