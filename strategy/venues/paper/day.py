"""The rolling day of the 24 h ticker, kept in minutes."""

from collections import deque
from dataclasses import dataclass
from typing import Any

from strategy.venues.paper.engine import Print
from strategy.venues.paper.grid import Grid, money_text
from strategy.venues.paper.publisher import MS

MINUTE_NS = 60_000_000_000
DAY_MINUTES = 1_440


@dataclass(slots=True)
class Minute:
    """The trades of one minute; prices in ticks."""

    start_ns: int
    opened: int
    high: int
    low: int
    closed: int
    lots: int
    quote_units: int
    first_id: int
    last_id: int


class Day:
    """Open, extremes and turnover of the last 24 hours."""

    def __init__(self, grid: Grid, venue_symbol: str) -> None:
        """Start without trades."""
        self._grid, self._symbol = grid, venue_symbol
        self._minutes: deque[Minute] = deque(maxlen=DAY_MINUTES)

    def hear(self, trade: Print) -> None:
        """Add one public trade."""
        start_ns = trade.at_ns // MINUTE_NS * MINUTE_NS
        quote = self._grid.quote_units(trade.price, trade.qty)
        if not self._minutes or self._minutes[-1].start_ns != start_ns:
            price, first = trade.price, trade.trade_id
            self._minutes.append(Minute(start_ns, price, price, price, price, trade.qty, quote, first, first))
            return
        minute = self._minutes[-1]
        minute.high, minute.low = max(minute.high, trade.price), min(minute.low, trade.price)
        minute.closed, minute.last_id = trade.price, trade.trade_id
        minute.lots += trade.qty
        minute.quote_units += quote

    def ticker(self, best: tuple[int, int, int, int], now_ns: int) -> dict[str, Any]:
        """Return the 24 h ticker; `best` is bid, size, ask, size."""
        kept = [minute for minute in self._minutes if minute.start_ns > now_ns - DAY_MINUTES * MINUTE_NS]
        grid = self._grid
        middle = (best[0] + best[2]) // 2
        opened, closed = (kept[0].opened, kept[-1].closed) if kept else (middle, middle)
        lots, quote_units = sum(minute.lots for minute in kept), sum(minute.quote_units for minute in kept)
        average = quote_units // (grid.quote_units(1, lots) or 1) if lots else middle
        change = closed - opened
        return {
            "symbol": self._symbol,
            "priceChange": ("-" if change < 0 else "") + grid.price(abs(change)),
            "priceChangePercent": f"{100 * change / opened:.3f}" if opened else "0.000",
            "weightedAvgPrice": grid.price(average),
            "prevClosePrice": grid.price(opened),
            "lastPrice": grid.price(closed),
            "bidPrice": grid.price(best[0]),
            "bidQty": grid.quantity(best[1]),
            "askPrice": grid.price(best[2]),
            "askQty": grid.quantity(best[3]),
            "openPrice": grid.price(opened),
            "highPrice": grid.price(max((minute.high for minute in kept), default=middle)),
            "lowPrice": grid.price(min((minute.low for minute in kept), default=middle)),
            "volume": grid.quantity(lots),
            "quoteVolume": money_text(quote_units),
            "openTime": (now_ns - DAY_MINUTES * MINUTE_NS) // MS,
            "closeTime": now_ns // MS,
            "firstId": kept[0].first_id if kept else -1,
            "lastId": kept[-1].last_id if kept else -1,
            "count": kept[-1].last_id - kept[0].first_id + 1 if kept else 0,
        }
