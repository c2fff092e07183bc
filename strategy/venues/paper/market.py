"""The sans-IO market: engine, crowd, desk and publisher behind one clock that the caller turns."""

from decimal import Decimal
from typing import Protocol

from strategy.venues.paper.accounts import Account, Ledger
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.crowd import Crowd
from strategy.venues.paper.day import Day
from strategy.venues.paper.desk import Desk
from strategy.venues.paper.draws import Draws
from strategy.venues.paper.engine import Engine
from strategy.venues.paper.filters import Filters
from strategy.venues.paper.futures.countdown import Countdown
from strategy.venues.paper.futures.listing import FuturesFilters
from strategy.venues.paper.futures.positions import FuturesAccount
from strategy.venues.paper.futures.publisher import FuturesPublisher
from strategy.venues.paper.futures.reports import FuturesReports
from strategy.venues.paper.grid import UNIT, Grid, money_units
from strategy.venues.paper.publisher import Frame, Publisher
from strategy.venues.paper.recording import Recording
from strategy.venues.paper.regimes import Weather
from strategy.venues.paper.reports import Reports

STEP_NS = 50_000_000
DEPTH_NS = 100_000_000


class Background(Protocol):
    """Everyone but us."""

    @property
    def regime(self) -> str:
        """Return the name of what rules now."""
        ...

    def step(self, seconds: float) -> None:
        """Let so much market time pass."""
        ...


class Market:
    """One symbol's whole market. Call `step` every 50 ms of market time and `publish_depth` every 100 ms."""

    def __init__(self, config: PaperConfig, now_ns: int, ids_ns: int = 0, recording: Recording | None = None) -> None:
        """Open the market at a moment, with its book already standing; ids start no earlier than `ids_ns`."""
        self.config = config
        self.grid = Grid.of(config.tick_size, config.lot_size)
        self.engine = Engine(now_ns, ids_ns)
        self.recording = recording
        self._others: Background = self._crowd() if recording is None else recording
        if recording is not None:
            recording.attach(self.engine)
        self.day = Day(self.grid, config.venue_symbol)
        self.engine.on_print.append(self.day.hear)
        self.publisher = self._voice()(self.engine, self.grid, config.venue_symbol)
        self.account: Ledger
        self.reports: Reports
        if config.is_futures:
            self.account = FuturesAccount(config, self.grid, self._mark)
            self.reports = FuturesReports(self.grid, config.venue_symbol, self.account)
        else:
            self.account = Account(config, self.grid)
            self.reports = Reports(self.grid, config.venue_symbol)
        filters = (FuturesFilters if config.is_futures else Filters).of(config, self.grid)
        self.desk = Desk(self.engine, self.account, filters, self.reports)
        self.countdown = Countdown(self.engine, self.desk)

    @property
    def regime(self) -> str:
        """Return the crowd's regime, or whether the recording still speaks."""
        return self._others.regime

    def step(self, now_ns: int, seconds: float) -> None:
        """Let everyone else act for `seconds` of market time, ending at `now_ns`."""
        self.engine.now_ns = now_ns
        self.countdown.look()
        self._others.step(seconds)
        self.publisher.book_ticker()

    def publish_depth(self, now_ns: int) -> None:
        """Emit the depth diff of the last 100 ms."""
        self.engine.now_ns = now_ns
        self.publisher.depth()

    def drain(self) -> list[Frame]:
        """Return the public frames since the last call."""
        return self.publisher.drain()

    def mid(self) -> Decimal:
        """Return the middle of the best prices in quote currency."""
        bids, asks = self.engine.book.bids, self.engine.book.asks
        return Decimal((bids.best + asks.best) * self.grid.tick_units) / Decimal(2 * UNIT)

    def _voice(self) -> type[Publisher]:
        return FuturesPublisher if self.config.is_futures else Publisher

    def _mark(self) -> int:
        """Return the mark price of futures: the middle of the book."""
        return (self.engine.book.bids.best + self.engine.book.asks.best) // 2

    def _crowd(self) -> Crowd:
        config, draws = self.config, Draws(self.config.seed)
        start_ticks = money_units(config.start_price) // self.grid.tick_units
        atoms_per_quote = UNIT / (self.grid.tick_units * self.grid.lot_units / UNIT)
        return Crowd(self.engine, Weather(draws, float(start_ticks), config.regime), draws, atoms_per_quote)
