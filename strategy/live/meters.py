"""What a quoting process counts and times for Prometheus; `docs/metrics.md` lists every name.

Everything here is a few microseconds at most: it is called on the way from a tick to an order.
"""

import time
from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import Metric

from strategy.kernel.records import (
    BOOK,
    BUY,
    REGIME_NAMES,
    REJECT,
    REJECT_BALANCE,
    REJECT_FILTER,
    REJECT_GUARD,
    REJECT_POST_ONLY,
    TIMER,
    TRADE,
)
from strategy.live.desk import LiveOrder
from strategy.venues.ports import OwnFill

PREFIX: Final = "microvol"
_TICK_SECONDS: Final = (50e-6, 1e-4, 2e-4, 3e-4, 5e-4, 7.5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 0.5)
_LAG_SECONDS: Final = (5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 0.5, 2.0)
_TRIP_SECONDS: Final = (5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 5.0)
_CAUSES: Final = {BOOK: "market", TRADE: "market", TIMER: "timer"}
_ERRORS: Final = {
    REJECT_POST_ONLY: "post_only",
    REJECT_BALANCE: "balance",
    REJECT_FILTER: "filter",
    REJECT_GUARD: "guard",
}
_LABELS: Final = ("venue", "symbol", "version")

Side = Literal["bid", "ask"]


class Meters:
    """Counters and histograms of one symbol, in a registry of their own."""

    def __init__(self, venue: str = "", symbol: str = "", atom: float = 1.0) -> None:
        """Begin at nothing; `atom` is what a tick's price of a lot is worth in quote units."""
        self._place, self._atom = (venue, symbol), atom
        self.half_spreads_bps: tuple[float, float] | None = None  # bid and ask of the last decision
        self.market_delay_s: float | None = None  # from the venue's stamp to our receipt, both clocks as they are
        self._registry = CollectorRegistry(auto_describe=False)
        self._orders = self._counter("orders", "orders sent", "regime", "side")
        self._fills = self._counter("fills", "executions", "regime", "side", "role")
        self._filled = self._counter("filled_quote", "executed, quote units", "regime", "side", "role")
        self._errors = self._counter("order_errors", "orders refused or not answered", "kind")
        self._tick_to_order = self._histogram(
            "tick_to_order_seconds", "news received to order request written", _TICK_SECONDS, "cause"
        )
        self._round_trip = self._histogram("round_trip_seconds", "order sent to order acknowledged", _TRIP_SECONDS)
        self._lag = Histogram(
            f"{PREFIX}_event_lag_seconds",
            "market frame received to frame taken by the strategy",
            _LABELS[:2],
            buckets=_LAG_SECONDS,
            registry=self._registry,
        ).labels(*self._place)

    def collect(self) -> Iterator[Metric]:
        """Yield everything that is counted."""
        yield from self._registry.collect()

    def frame(self, lag_ns: int) -> None:
        """Take how long a market frame had waited until it was dealt with."""
        self._lag.observe(max(lag_ns, 0) / 1e9)

    def fed(self, event: np.void, version: int) -> None:
        """Take an event that the strategy has been fed, after its actions went out."""
        kind = event["kind"]
        if kind == REJECT:
            self._errors.labels(*self._place, version, _ERRORS.get(int(event["code"]), "other")).inc()
        elif kind == BOOK and event["exch_ts"] > 0:
            self.market_delay_s = int(event["local_ts"] - event["exch_ts"]) / 1e9

    def decided(self, decision: np.void) -> None:
        """Take a decision's half-spreads."""
        self.half_spreads_bps = float(decision["bid_bps"]), float(decision["ask_bps"])

    def sent(self, order: LiveOrder) -> None:
        """Take that an order goes out."""
        self._orders.labels(*self._place, order.version, REGIME_NAMES[order.regime], _side(order.side)).inc()

    def written(self, order: LiveOrder) -> None:
        """Take that the request for an order has just been written to the venue."""
        seconds = max(time.time_ns() - order.news_ns, 0) / 1e9
        cause = _CAUSES.get(order.news_kind, "own")
        self._tick_to_order.labels(*self._place, order.version, cause).observe(seconds)

    def acknowledged(self, order: LiveOrder, ns: int) -> None:
        """Take how long an order took from sent to heard of."""
        self._round_trip.labels(*self._place, order.version).observe(ns / 1e9)

    def doubted(self, order: LiveOrder) -> None:
        """Take a request whose outcome is unknown."""
        self._errors.labels(*self._place, order.version, "unknown").inc()

    def filled(self, order: LiveOrder, fill: OwnFill) -> None:
        """Take an execution."""
        role = "maker" if fill.maker else "taker"
        labels = (*self._place, order.version, REGIME_NAMES[order.regime], _side(order.side), role)
        self._fills.labels(*labels).inc()
        self._filled.labels(*labels).inc(fill.price_ticks * fill.qty_lots * self._atom)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, (*_LABELS, *labels), registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        names = (*_LABELS, *labels)
        return Histogram(f"{PREFIX}_{name}", text, names, buckets=buckets, registry=self._registry)


def _side(side: int) -> Side:
    return "bid" if side == BUY else "ask"
