from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategy.kernel.records import BUY, SELL
from strategy.venues.paper.accounts import Account
from strategy.venues.paper.book import CROWD, Order
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.desk import Desk
from strategy.venues.paper.engine import Engine
from strategy.venues.paper.filters import Filters
from strategy.venues.paper.grid import Grid, money_units
from strategy.venues.paper.orders import Ticket
from strategy.venues.paper.refusals import Refusal
from strategy.venues.paper.reports import Reports

START_NS = 1_700_000_000_000_000_000
CONFIG = PaperConfig(base=Decimal(1), quote=Decimal(1_000))


class Room:
    """A desk on an empty book, with what it told the user stream."""

    def __init__(self, config=CONFIG):
        self.grid = Grid.of(config.tick_size, config.lot_size)
        self.engine = Engine(START_NS)
        self.account = Account(config, self.grid)
        filters = Filters.of(config, self.grid)
        self.desk = Desk(self.engine, self.account, filters, Reports(self.grid, config.venue_symbol))
        self.events = []
        self.desk.on_user_event = self.events.append
        self.refused = 0
        self._ids = 0

    def crowd(self, side, price, qty):
        order = Order(self.engine.next_order_id(), CROWD, side, price, qty)
        self.engine.book.rest(order)
        return order

    def place(self, side, price, qty, kind="LIMIT", time_in_force="GTC"):
        self._ids += 1
        return self.desk.place(Ticket(f"c{self._ids}", side, kind, time_in_force, price, qty))

    def balances(self):
        base, quote = self.account.base, self.account.quote
        return base.free, base.locked, quote.free, quote.locked

    def told(self):
        return [(event["x"], event["X"]) for event in self.events if event["e"] == "executionReport"]


def units(text):
    return money_units(Decimal(text))


@pytest.fixture
def room():
    room = Room()
    room.crowd(BUY, 9_990, 100_000)  # 1 base at 99.90
    room.crowd(SELL, 10_010, 100_000)
    return room


def test_a_resting_order_locks_what_it_may_spend_and_a_cancel_gives_it_back(room):
    order = room.place(BUY, 10_000, 100_000)
    assert room.balances() == (units("1"), 0, units("900"), units("100"))
    room.desk.cancel(order.order_id, None, "x1")
    assert room.balances() == (units("1"), 0, units("1000"), 0)
    assert room.told() == [("NEW", "NEW"), ("CANCELED", "CANCELED")]
    assert room.events[-2]["C"] == "c1"
    assert room.events[-2]["c"] == "x1"


def test_a_resting_order_is_filled_in_parts_behind_who_came_first(room):
    room.crowd(BUY, 10_000, 50_000)
    order = room.place(BUY, 10_000, 100_000, "LIMIT_MAKER")
    room.engine.take(CROWD, SELL, 10_000, 80_000)
    assert (order.status, order.filled) == ("PARTIALLY_FILLED", 30_000)
    room.engine.take(CROWD, SELL, 10_000, 80_000)
    assert (order.status, order.filled, room.desk.open_orders()) == ("FILLED", 100_000, [])
    assert room.balances() == (units("2"), 0, units("900"), 0)
    assert [trade.maker for trade in room.desk.trades] == [True, True]
    assert room.events[-1]["B"][0] == {"a": "BTC", "f": "2.00000000", "l": "0.00000000"}


def test_a_taker_pays_the_resting_price_and_the_rest_of_its_lock_comes_back(room):
    order = room.place(BUY, 10_100, 150_000)
    assert (order.status, order.filled) == ("PARTIALLY_FILLED", 100_000)
    # 1 base bought at 100.10; 0.5 base still wanted at 101.00
    assert room.balances() == (units("2"), 0, units("1000") - units("100.10") - units("50.50"), units("50.50"))


@pytest.mark.parametrize(
    ("kind", "time_in_force", "qty", "filled"),
    [("LIMIT", "IOC", 150_000, 100_000), ("LIMIT", "FOK", 150_000, 0), ("MARKET", "GTC", 150_000, 100_000)],
)
def test_what_may_not_rest_expires(room, kind, time_in_force, qty, filled):
    price = 0 if kind == "MARKET" else 10_010
    order = room.place(BUY, price, qty, kind, time_in_force)
    assert (order.status, order.filled) == ("EXPIRED", filled)
    assert room.account.quote.locked == 0
    assert room.desk.open_orders() == []


def test_a_fill_or_kill_that_fits_is_filled_whole(room):
    assert room.place(SELL, 9_990, 100_000, "LIMIT", "FOK").status == "FILLED"


def test_the_own_resting_order_expires_when_the_account_would_trade_with_itself(room):
    own = room.place(SELL, 10_005, 50_000)
    taker = room.place(BUY, 10_010, 100_000, "LIMIT", "IOC")
    assert (own.status, own.filled) == ("EXPIRED_IN_MATCH", 0)
    assert taker.status == "FILLED"
    assert [trade.price for trade in room.desk.trades] == [10_010]
    assert room.account.base.locked == 0


@pytest.mark.parametrize(
    ("ticket", "code", "text"),
    [
        (("c", BUY, "LIMIT_MAKER", "GTC", 10_010, 100_000), -2010, "Order would immediately match and take."),
        (("c", BUY, "LIMIT", "GTC", 10_000, 2_000_000), -2010, "Account has insufficient balance"),
        (("c", SELL, "LIMIT", "GTC", 10_000, 100_001), -2010, "Account has insufficient balance"),
        (("c", BUY, "LIMIT", "GTC", 10_000, 4_999), -1013, "Filter failure: NOTIONAL"),
        (("taken", BUY, "LIMIT", "GTC", 9_000, 100_000), -2010, "Duplicate order sent."),
    ],
)
def test_a_refusal_has_the_venues_code_and_changes_nothing(room, ticket, code, text):
    room.desk.place(Ticket("taken", BUY, "LIMIT", "GTC", 9_000, 10_000))
    before = room.balances(), room.engine.book.update_id, len(room.events)
    with pytest.raises(Refusal, match=text) as refused:
        room.desk.place(Ticket(*ticket))
    assert refused.value.code == code
    assert before == (room.balances(), room.engine.book.update_id, len(room.events))


def test_a_market_buy_beyond_the_balance_is_refused():
    room = Room()
    room.crowd(SELL, 1_000_000, 100_000)
    with pytest.raises(Refusal, match="insufficient balance"):
        room.place(BUY, 0, 20_000, "MARKET")


def test_more_open_orders_than_allowed_are_refused():
    room = Room(CONFIG.model_copy(update={"max_open_orders": 2}))
    room.place(BUY, 9_000, 10_000)
    room.place(BUY, 9_000, 10_000)
    with pytest.raises(Refusal, match="Filter failure: MAX_NUM_ORDERS"):
        room.place(BUY, 9_000, 10_000)


def test_unknown_orders_have_their_own_codes(room):
    for call, code in ((lambda: room.desk.cancel(7, None, "x"), -2011), (lambda: room.desk.find(7, None), -2013)):
        with pytest.raises(Refusal) as refused:
            call()
        assert refused.value.code == code
    with pytest.raises(Refusal, match="Unknown order sent"):
        room.desk.cancel_all(lambda: "x")


def test_a_client_id_is_free_again_once_its_order_ended(room):
    room.desk.place(Ticket("same", BUY, "LIMIT", "GTC", 9_000, 10_000))
    room.desk.cancel(None, "same", "x")
    second = room.desk.place(Ticket("same", BUY, "LIMIT", "GTC", 9_100, 10_000))
    assert room.desk.find(None, "same") is second


def test_commission_is_kept_in_the_received_asset():
    room = Room(
        PaperConfig(base=Decimal(1), quote=Decimal(1_000), maker_fee_bps=Decimal(10), taker_fee_bps=Decimal(20))
    )
    room.crowd(SELL, 10_000, 100_000)
    room.place(BUY, 10_000, 100_000)
    assert room.account.base.total == units("1.998")
    room.place(SELL, 10_000, 100_000)
    room.engine.take(CROWD, BUY, 10_000, 100_000)
    assert room.account.quote.total == units("999.9")
    assert (room.account.fees_base, room.account.fees_quote) == (units("0.002"), units("0.1"))
    assert [trade.commission_asset for trade in room.desk.trades] == ["BTC", "FDUSD"]


flow = st.lists(
    st.tuples(
        st.sampled_from(("LIMIT", "LIMIT_MAKER", "MARKET", "IOC", "FOK", "crowd", "cancel")),
        st.sampled_from((BUY, SELL)),
        st.integers(9_950, 10_050),
        st.integers(5_000, 60_000),
    ),
    max_size=40,
)


@given(flow)
def test_any_flow_conserves_both_assets_and_never_overdraws(actions):
    room = Room(PaperConfig(base=Decimal(1), quote=Decimal(150), maker_fee_bps=Decimal(1), taker_fee_bps=Decimal(7)))
    for what, side, price, qty in actions:
        _act(room, what, side, price, qty)
        _check_books_balance(room)


def _act(room, what, side, price, qty):
    if what == "crowd":
        left = room.engine.take(CROWD, side, price, qty).leaves
        if left:
            room.crowd(side, price, left)
        return
    try:
        if what == "cancel":
            room.desk.cancel_all(lambda: "x")
        else:
            kind = what if what in ("LIMIT_MAKER", "MARKET") else "LIMIT"
            room.place(side, 0 if kind == "MARKET" else price, qty, kind, what if what in ("IOC", "FOK") else "GTC")
    except Refusal:
        room.refused += 1  # refusals are part of the flow; what matters is what they leave behind


def _check_books_balance(room):
    account, trades, grid = room.account, room.desk.trades, room.grid
    base = sum(trade.side * grid.base_units(trade.qty) for trade in trades)
    quote = sum(trade.side * trade.quote_units for trade in trades)
    assert account.base.total + account.fees_base == units("1") + base
    assert account.quote.total + account.fees_quote == units("150") - quote
    assert min(room.balances()) >= 0
    for side, holding in ((BUY, account.quote), (SELL, account.base)):
        open_orders = [order for order in room.desk.open_orders() if order.ticket.side == side]
        assert holding.locked == sum(account.cost(side, order.ticket.price, order.leaves) for order in open_orders)
