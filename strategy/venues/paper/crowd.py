"""Everyone else: the seeded order flow that a quoting process trades with.

Four kinds of people share one book:

- *makers* keep a pool of limit orders around a value that they learn with a lag, cancel and replace them, and pull
  quotes that have become too good;
- *takers* pay the touch in small sizes for reasons of their own;
- *sweepers* pay through the book up to a limit, then the makers fill the hole again: a resting quote away from the
  touch earns from them;
- *informed* people know the value and hit whatever is stale, ours included: they make tight quotes costly when the
  value moves fast, which is what regimes change.
"""

import itertools
import math

from strategy.kernel.records import BUY, SELL
from strategy.venues.paper.book import CROWD, Order
from strategy.venues.paper.draws import Draws
from strategy.venues.paper.engine import Engine
from strategy.venues.paper.regimes import BPS, Weather

POOL = 45  # the makers' orders a side
AT_TOUCH = 0.15  # share of new quotes that join the tightest price
FAR = 0.08  # share of new quotes ten times further out
REFILL_PER_S = 160  # new quotes a side after a sweep
LEARNING_S = 0.25  # the makers' lag behind the value
PULL_PER_S = 12  # how soon makers see a stale quote of theirs
STEADY = 0.7  # chance that a cancel spares an order at the best price
PATIENCE = 0.4  # small takers wait when the touch is this share of the usual half-spread too far
STALE_BPS = 0.3  # the informed act only on more than this
GRID_BPS = 0.08  # makers quote round prices
# Median sizes in quote currency, and the spread of their logarithm
QUOTE_SIZE, TAKER_SIZE, INFORMED_SIZE = 2_400, 300, 20_000
SIZE_SPREAD = 1.0


def round_grid(ticks: float) -> int:
    """Return the largest of 1, 2, 5, 10, 20, 50 … ticks that is not above `ticks`, at least 1."""
    if ticks <= 1:
        return 1
    decade = 10 ** int(math.log10(ticks))
    return int(max(step for step in (decade, 2 * decade, 5 * decade) if step <= ticks))


class Crowd:
    """The background market. `weather` gives the regime and the value; every order goes through the engine."""

    def __init__(self, engine: Engine, weather: Weather, draws: Draws, atoms_per_quote: float) -> None:
        """Fill the book; `atoms_per_quote` is how many tick-lots make one unit of the quote currency."""
        self._engine, self._weather, self._draws = engine, weather, draws
        self._atoms_per_quote = atoms_per_quote
        self._ids = itertools.count(1)  # own orders count from the clock, far above
        self._grid = round_grid(weather.value * GRID_BPS * BPS)
        self.reference = weather.value
        self._pools: dict[int, list[Order]] = {BUY: [], SELL: []}
        for side in (BUY, SELL):
            self._replenish(side, POOL)

    @property
    def regime(self) -> str:
        """Return the name of the regime that rules now."""
        return self._weather.regime.name

    def step(self, seconds: float) -> None:
        """Let the crowd act for a slice of time."""
        self._weather.advance(seconds)
        self.reference += (self._weather.value - self.reference) * -math.expm1(-seconds / LEARNING_S)
        self._inform(seconds)
        for side in (BUY, SELL):
            self._pull_stale(side, seconds)
        self._churn(seconds)
        refill = 1 + int(REFILL_PER_S * seconds)
        for side in (BUY, SELL):
            self._replenish(side, refill)
        self._pay_touch(seconds)
        self._sweep(seconds)
        for side in (BUY, SELL):
            if not self._engine.book.half(side).keys:
                self._replenish(side, POOL)

    def _touch_price(self, side: int, offset_bps: float = 0.0) -> int:
        """Return the makers' price on a side: on their grid, rounded away from the reference."""
        wanted = self.reference * (1 - side * (self._weather.regime.half_spread_bps + offset_bps) * BPS)
        return max(1, math.floor(side * wanted / self._grid) * self._grid * side)

    def _lots(self, median: float, price: float) -> int:
        return max(1, int(self._draws.lognormal(median, SIZE_SPREAD) * self._atoms_per_quote / price))

    def _replenish(self, side: int, most: int) -> None:
        pool = self._pools[side] = [order for order in self._pools[side] if order.leaves]
        for _ in range(min(POOL - len(pool), most)):
            price = self._quote_price(side)
            order = Order(next(self._ids), CROWD, side, price, self._lots(QUOTE_SIZE, price))
            self._engine.book.rest(order)
            pool.append(order)

    def _quote_price(self, side: int) -> int:
        draws, offset = self._draws, 0.0
        kind = draws.uniform()
        if kind >= AT_TOUCH:
            offset = self._weather.regime.depth_bps * draws.exponential() * (10 if kind > 1 - FAR else 1)
        price = self._touch_price(side, offset)
        if self._engine.book.crosses(side, price):
            price = self._engine.book.half(-side).best - side
        return max(1, price)

    def _inform(self, seconds: float) -> None:
        if self._draws.uniform() > -math.expm1(-self._weather.regime.informed_per_s * seconds):
            return
        for side in (BUY, SELL):
            limit = int(self._weather.value * (1 - side * STALE_BPS * BPS))
            if self._engine.book.crosses(side, limit):
                self._engine.take(CROWD, side, limit, self._lots(INFORMED_SIZE, limit))

    def _pull_stale(self, side: int, seconds: float) -> None:
        half, tightest = self._engine.book.half(side), self._touch_price(side)
        if not half.keys or (half.best - tightest) * side <= 0:
            return
        chance = -math.expm1(-PULL_PER_S * seconds)
        for order in self._pools[side]:
            if order.leaves and (order.price - tightest) * side > 0 and self._draws.uniform() < chance:
                half.remove(order)

    def _churn(self, seconds: float) -> None:
        draws, book = self._draws, self._engine.book
        for _ in range(draws.count(self._weather.regime.churn_per_s * seconds)):
            side = draws.side()
            pool, half = self._pools[side], book.half(side)
            order = pool[int(draws.uniform() * len(pool))]
            if order.leaves and (order.price != half.best or draws.uniform() > STEADY):
                half.remove(order)

    def _pay_touch(self, seconds: float) -> None:
        for _ in range(self._draws.count(self._weather.regime.takers_per_s * seconds)):
            side = self._draws.side()
            limit = self._touch_price(-side, self._weather.regime.half_spread_bps * PATIENCE)
            self._engine.take(CROWD, side, limit, self._lots(TAKER_SIZE, limit))

    def _sweep(self, seconds: float) -> None:
        regime, draws = self._weather.regime, self._draws
        for _ in range(draws.count(regime.sweeps_per_s * seconds)):
            side = draws.side()
            depth_bps = regime.half_spread_bps + regime.sweep_bps * draws.exponential()
            limit = max(1, int(self.reference * (1 + side * depth_bps * BPS)))
            size = int(self._engine.book.available(side, limit, CROWD) * (0.7 + 0.27 * draws.uniform()))
            if size:
                self._engine.take(CROWD, side, limit, size)
