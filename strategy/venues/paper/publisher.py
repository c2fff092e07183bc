"""The public streams in the venue's exact words: depth diffs, trades, best prices, and the REST snapshot."""

from typing import NamedTuple

from strategy.kernel.records import SELL
from strategy.venues.paper.book import HalfBook
from strategy.venues.paper.engine import Engine, Print
from strategy.venues.paper.grid import Grid

MS = 1_000_000


class Frame(NamedTuple):
    """One message of one stream; `payload` is the raw-stream JSON."""

    stream: str
    payload: str

    def combined(self) -> str:
        """Return the message as a combined stream wraps it."""
        return f'{{"stream":"{self.stream}","data":{self.payload}}}'


class Publisher:
    """Turns the engine's changes into frames; `drain` hands them over in order."""

    def __init__(self, engine: Engine, grid: Grid, venue_symbol: str) -> None:
        """Watch an engine from its present state on."""
        self._engine, self._grid, self._symbol = engine, grid, venue_symbol
        name = venue_symbol.lower()
        self._depth, self._trade, self._ticker = f"{name}@depth@100ms", f"{name}@trade", f"{name}@bookTicker"
        self._frames: list[Frame] = []
        self._published_id = engine.book.update_id
        self._best: tuple[int, int, int, int] | None = None
        engine.on_print.append(self._print)
        for half in (engine.book.bids, engine.book.asks):
            half.changed.clear()

    def drain(self) -> list[Frame]:
        """Return the frames since the last call."""
        frames, self._frames = self._frames, []
        return frames

    def depth(self) -> None:
        """Emit the levels that changed since the last diff; nothing when none did."""
        book = self._engine.book
        if book.update_id == self._published_id:
            return
        bids, asks = self._levels(book.bids), self._levels(book.asks)
        payload = self._depth_words(self._published_id + 1, book.update_id, bids, asks)
        self._published_id = book.update_id
        self._frames.append(Frame(self._depth, payload))

    def book_ticker(self) -> None:
        """Emit the best prices and sizes when they differ from the last ones."""
        best = self.best()
        if best == self._best or 0 in best:
            return
        self._best = best
        payload = self._ticker_words(best)
        self._frames.append(Frame(self._ticker, payload))

    def best(self) -> tuple[int, int, int, int]:
        """Return bid, its size, ask and its size in ticks and lots; 0 where a side is empty."""
        bids, asks = self._engine.book.bids, self._engine.book.asks
        return bids.best, bids.size(bids.best), asks.best, asks.size(asks.best)

    def snapshot(self, limit: int) -> str:
        """Return the REST depth reply: bids from the highest, asks from the lowest."""
        book = self._engine.book
        sides = [
            ",".join(self._level(price, size) for price, size in half.depth(limit)) for half in (book.bids, book.asks)
        ]
        return self._snapshot_words(book.update_id, sides[0], sides[1])

    def _print(self, trade: Print) -> None:
        self._frames.append(Frame(self._trade, self._trade_words(trade)))

    def _depth_words(self, first_id: int, final_id: int, bids: str, asks: str) -> str:
        at_ms = self._engine.now_ns // MS
        return (
            f'{{"e":"depthUpdate","E":{at_ms},"s":"{self._symbol}","U":{first_id},"u":{final_id},'
            f'"b":{bids},"a":{asks}}}'
        )

    def _ticker_words(self, best: tuple[int, int, int, int]) -> str:
        grid = self._grid
        return (
            f'{{"u":{self._engine.book.update_id},"s":"{self._symbol}",'
            f'"b":"{grid.price(best[0])}","B":"{grid.quantity(best[1])}",'
            f'"a":"{grid.price(best[2])}","A":"{grid.quantity(best[3])}"}}'
        )

    def _trade_words(self, trade: Print) -> str:
        at_ms = trade.at_ns // MS
        maker_bought = "true" if trade.side == SELL else "false"
        return (
            f'{{"e":"trade","E":{at_ms},"s":"{self._symbol}","t":{trade.trade_id},"p":"{self._grid.price(trade.price)}",'
            f'"q":"{self._grid.quantity(trade.qty)}","T":{at_ms},"m":{maker_bought},"M":true}}'
        )

    def _snapshot_words(self, last_id: int, bids: str, asks: str) -> str:
        return f'{{"lastUpdateId":{last_id},"bids":[{bids}],"asks":[{asks}]}}'

    def _levels(self, half: HalfBook) -> str:
        prices = sorted(half.changed, reverse=half.sign > 0)
        half.changed.clear()
        return f"[{','.join(self._level(price, half.size(price)) for price in prices)}]"

    def _level(self, price: int, size: int) -> str:
        return f'["{self._grid.price(price)}","{self._grid.quantity(size)}"]'
