"""A connector of Hummingbot without a venue: recorded books in, orders matched against them, real events out."""

import asyncio
from decimal import Decimal
from typing import Any

from hummingbot.connector.exchange_py_base import ExchangePyBase
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.api_throttler.data_types import RateLimit
from hummingbot.core.data_type.common import OrderType, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate, TradeUpdate
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_row import OrderBookRow
from hummingbot.core.data_type.order_book_tracker_data_source import OrderBookTrackerDataSource
from hummingbot.core.data_type.trade_fee import AddedToCostTradeFee
from hummingbot.core.event.events import OrderBookTradeEvent
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory

LATENCY_S = 0.05  # of an order and of a cancel


class _NoSource(OrderBookTrackerDataSource):
    """Where books would come from; here the recording puts them into place."""

    async def get_last_traded_prices(self, trading_pairs: list[str], domain: str | None = None) -> dict[str, float]:
        return {}

    async def subscribe_to_trading_pair(self, trading_pair: str) -> bool:
        return True

    async def unsubscribe_from_trading_pair(self, trading_pair: str) -> bool:
        return True


class RecordedVenue(ExchangePyBase):
    """One spot market with an account; order tracking, quantization and events are Hummingbot's own."""

    def __init__(self, pair: str, rule: dict[str, str], balances: dict[str, str], fill_in_parts: bool) -> None:
        """Start with balances and no book. `rule` has tick, lot, min_qty and min_notional."""
        self._pair = pair
        super().__init__()
        self._trading_rules[pair] = TradingRule(
            pair,
            min_order_size=Decimal(rule["min_qty"]),
            min_price_increment=Decimal(rule["tick"]),
            min_base_amount_increment=Decimal(rule["lot"]),
            min_notional_size=Decimal(rule["min_notional"]),
        )
        self.book = OrderBook()
        self.order_book_tracker._order_books[pair] = self.book
        self._account_balances = {asset: Decimal(amount) for asset, amount in balances.items()}
        self._fill_in_parts = fill_in_parts
        self._updates = 0
        self.placed: list[tuple[float, str, str, str]] = []  # time, side, price, amount of every limit order
        self.most_at_once = 0
        self.fills = 0

    def now(self) -> float:
        """Return the recording's time."""
        return asyncio.get_running_loop().time()

    def show(self, row: dict[str, Any]) -> None:
        """Take a row of the recording: trades, then the book, then what it fills."""
        for price, amount, is_buy in row["trades"]:
            side = TradeType.BUY if is_buy else TradeType.SELL
            event = OrderBookTradeEvent(self._pair, row["at"], side, Decimal(price), Decimal(amount))
            self.book.apply_trade(event)
        self._updates += 1
        sides = [[OrderBookRow(float(p), float(a), self._updates) for p, a in row[side]] for side in ("bids", "asks")]
        self.book.apply_snapshot(*sides, self._updates)
        for order in list(self.in_flight_orders.values()):
            if order.current_state in (OrderState.OPEN, OrderState.PARTIALLY_FILLED) and self._is_reached(order):
                self._fill(order, order.price)

    def move(self, asset: str, amount: str) -> None:
        """Deposit, or withdraw."""
        self._account_balances[asset] += Decimal(amount)

    def get_available_balance(self, currency: str) -> Decimal:
        """Return what no open order locks."""
        locked = Decimal(0)
        for order in self.in_flight_orders.values():
            left = order.amount - order.executed_amount_base
            if order.is_open and not order.is_done and order.order_type != OrderType.MARKET:
                if order.trade_type == TradeType.BUY and currency == order.quote_asset:
                    locked += left * order.price
                if order.trade_type == TradeType.SELL and currency == order.base_asset:
                    locked += left
        return self.get_balance(currency) - locked

    def _is_reached(self, order: InFlightOrder) -> bool:
        if order.trade_type == TradeType.BUY:
            return Decimal(str(self.book.get_price(True))) <= order.price
        return Decimal(str(self.book.get_price(False))) >= order.price

    def _fill(self, order: InFlightOrder, price: Decimal) -> None:
        left = order.amount - order.executed_amount_base
        first = order.executed_amount_base == 0 and order.order_type != OrderType.MARKET
        amount = self.quantize_order_amount(self._pair, left / 2) if self._fill_in_parts and first else left
        amount = amount or left
        sign = 1 if order.trade_type == TradeType.BUY else -1
        self._account_balances[order.base_asset] += sign * amount
        self._account_balances[order.quote_asset] -= sign * amount * price
        self.fills += 1
        names = {"client_order_id": order.client_order_id, "exchange_order_id": order.exchange_order_id}
        self._order_tracker.process_trade_update(
            TradeUpdate(
                trade_id=str(self.fills), trading_pair=self._pair, fill_timestamp=self.now(), fill_price=price,
                fill_base_amount=amount, fill_quote_amount=amount * price, fee=AddedToCostTradeFee(), **names,
            )
        )  # fmt: skip
        done = order.executed_amount_base >= order.amount
        state = OrderState.FILLED if done else OrderState.PARTIALLY_FILLED
        update = OrderUpdate(trading_pair=self._pair, update_timestamp=self.now(), new_state=state, **names)
        self._order_tracker.process_order_update(update)

    async def _place_order(  # type: ignore[no-untyped-def]
        self, order_id: str, trading_pair: str, amount: Decimal, trade_type: TradeType, order_type: OrderType,
        price: Decimal, **kwargs: Any,
    ):  # fmt: skip
        if order_type != OrderType.MARKET:
            self.placed.append((self.now(), trade_type.name.lower(), str(price), str(amount)))
        await asyncio.sleep(LATENCY_S)
        order = self._order_tracker.fetch_order(order_id)
        if order_type == OrderType.LIMIT_MAKER and self._is_reached(order):
            raise ValueError("post-only order would take")
        open_now = [each for each in self.in_flight_orders.values() if each.is_open and not each.is_done]
        self.most_at_once = max(self.most_at_once, len(open_now))
        if order_type == OrderType.MARKET:
            taken = self.book.get_price(trade_type == TradeType.BUY)
            asyncio.get_running_loop().call_soon(self._fill, order, Decimal(str(taken)))
        return order_id, self.now()

    async def _place_cancel(self, order_id: str, tracked_order: InFlightOrder) -> bool:
        await asyncio.sleep(LATENCY_S)
        return not tracked_order.is_done

    @property
    def ready(self) -> bool:
        """Return whether there is a book."""
        return self._updates > 0

    @property
    def name(self) -> str:
        """Return a name that Hummingbot knows fees for."""
        return "binance"

    authenticator = None
    rate_limits_rules = (RateLimit(limit_id="none", limit=1, time_interval=1),)
    domain = client_order_id_prefix = trading_rules_request_path = trading_pairs_request_path = ""
    check_network_request_path = ""
    client_order_id_max_length = 36
    is_cancel_request_in_exchange_synchronous = True
    is_trading_required = True

    @property
    def trading_pairs(self) -> list[str]:
        """Return the one pair."""
        return [self._pair]

    def supported_order_types(self) -> list[OrderType]:
        """Return the order types."""
        return [OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.MARKET]

    def _get_fee(self, *args: Any, **kwargs: Any) -> AddedToCostTradeFee:
        return AddedToCostTradeFee(percent=Decimal(0))

    def _create_web_assistants_factory(self) -> WebAssistantsFactory:
        return WebAssistantsFactory(throttler=self._throttler)

    def _create_order_book_data_source(self) -> OrderBookTrackerDataSource:
        return _NoSource(self.trading_pairs)

    def _create_user_stream_tracker(self) -> None:
        return None

    def _create_user_stream_data_source(self) -> None:
        return None

    def _is_request_exception_related_to_time_synchronizer(self, request_exception: Exception) -> bool:
        return False

    def _is_order_not_found_during_status_update_error(self, status_update_exception: Exception) -> bool:
        return False

    def _is_order_not_found_during_cancelation_error(self, cancelation_exception: Exception) -> bool:
        return False

    async def _update_trading_fees(self) -> None:
        """Have no fees."""

    async def _user_stream_event_listener(self) -> None:
        """Have no stream: fills are told at once."""

    async def _format_trading_rules(self, exchange_info_dict: dict[str, Any]) -> list[TradingRule]:
        return list(self._trading_rules.values())

    async def _update_balances(self) -> None:
        """Have balances that are always current."""

    async def _all_trade_updates_for_order(self, order: InFlightOrder) -> list[TradeUpdate]:
        return []

    async def _request_order_status(self, tracked_order: InFlightOrder) -> OrderUpdate:
        raise NotImplementedError("orders are told at once")

    def _initialize_trading_pair_symbols_from_exchange_info(self, exchange_info: dict[str, Any]) -> None:
        """Have no exchange information."""
