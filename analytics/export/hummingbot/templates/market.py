"""A connector's book, trades and balances as the strategy's events."""

from collections.abc import Iterable, Iterator
from typing import Any

from hummingbot.core.data_type.common import TradeType
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import OrderBookEvent

from analytics.export.hummingbot.quoting import Quoting
from strategy.kernel.book import band_limit
from strategy.kernel.records import BOOK, BUY, FRESH, SELL, TIMER, TRADE
from strategy.kernel.risk import replace_holdings

NS = 1_000_000_000


class Market:
    """One trading pair of a connector; remembers what the strategy has seen of it."""

    def __init__(self, provider: Any, connector_name: str, trading_pair: str) -> None:
        """Look at a pair through Hummingbot's market data provider."""
        self._provider = provider
        self._connector_name = connector_name
        self._trading_pair = trading_pair
        self._book: Any = None
        self._seen: tuple[int, int] | None = None  # the book's update ids at the last look
        self._trades: list[tuple[int, Any]] = []
        self._on_trade = EventForwarder(self._note_trade)

    @property
    def now_ns(self) -> int:
        """Return the time."""
        stamp: float = self._provider.time()
        return round(stamp * NS)

    @property
    def connector(self) -> Any:
        """Return the connector."""
        return self._provider.get_connector(self._connector_name)

    def show(self, quoting: Quoting, depth_band_bps: float | None) -> list[dict[str, Any]]:
        """Feed balances, trades, and the book where it changed; return the actions."""
        self._show_balances(quoting)
        return [*self._show_trades(quoting), *self._show_book(quoting, depth_band_bps)]

    def _show_balances(self, quoting: Quoting) -> None:
        base, quote = self._trading_pair.split("-")
        lots = float(self.connector.get_balance(base) / quoting.lot_size)
        atoms = float(self.connector.get_balance(quote) / (quoting.tick_size * quoting.lot_size))
        if (lots, atoms) != (quoting.core["base_lots"], quoting.core["quote_atoms"]):
            replace_holdings(quoting.core, lots, atoms)

    def _show_trades(self, quoting: Quoting) -> list[dict[str, Any]]:
        trades, self._trades = self._trades, []
        actions = []
        for traded_ns, trade in trades:
            price, lots = round(trade.price / quoting.tick_size), round(trade.amount / quoting.lot_size)
            side = BUY if trade.type == TradeType.BUY else SELL
            actions += quoting.feed(TRADE, traded_ns, side=side, price_ticks=price, qty_lots=lots)
        return actions

    def _show_book(self, quoting: Quoting, depth_band_bps: float | None) -> list[dict[str, Any]]:
        """Feed the book, or only the time where it is as it was: silence makes a book stale."""
        book = self._provider.get_order_book(self._connector_name, self._trading_pair)
        if book is not self._book:
            self._book = book
            book.add_listener(OrderBookEvent.TradeEvent, self._on_trade)
        seen = (book.snapshot_uid, book.last_diff_uid)
        if seen == self._seen:
            return quoting.feed(TIMER, self.now_ns)
        self._seen = seen
        fields = book_fields(quoting, book, depth_band_bps)
        return quoting.feed(BOOK, self.now_ns, flag=FRESH if quoting.core["need_fresh"] else 0, **fields)

    def _note_trade(self, trade: Any) -> None:
        self._trades.append((self.now_ns, trade))


def book_fields(quoting: Quoting, book: Any, depth_band_bps: float | None) -> dict[str, int]:
    """Return the fields of a book event: best prices, 0 for an empty side, and depth where somebody asks for it."""
    bid, bid_lots = next(levels(quoting, book.bid_entries()), (0, 0))
    ask, ask_lots = next(levels(quoting, book.ask_entries()), (0, 0))
    fields = {"bid_ticks": bid, "ask_ticks": ask, "bid_lots": bid_lots, "ask_lots": ask_lots}
    if depth_band_bps is None or not 0 < bid < ask:
        return fields
    for name, side, rows in (("bid", BUY, book.bid_entries()), ("ask", SELL, book.ask_entries())):
        limit = band_limit(0.5 * (bid + ask), depth_band_bps, side)
        fields[f"{name}_depth_lots"] = depth_within(levels(quoting, rows), side, limit)
    return fields


def depth_within(rows: Iterable[tuple[int, int]], side: int, limit: int) -> int:
    """Return the lots of a side's rows at `limit` (ticks) and better."""
    total = 0
    for ticks, lots in rows:
        if side * ticks < side * limit:
            break
        total += lots
    return total


def levels(quoting: Quoting, rows: Iterable[Any]) -> Iterator[tuple[int, int]]:
    """Yield (ticks, lots) of a side's rows, best first."""
    tick, lot = float(quoting.tick_size), float(quoting.lot_size)
    return ((round(row.price / tick), round(row.amount / lot)) for row in rows)
