"""The Prometheus endpoint of a quoting process: a thread of its own, which reads what the process last wrote down.

It never keeps the event loop waiting, and a port that cannot be opened is one line in the log: quoting goes on.
"""

import errno
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, get_args

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from strategy.live.doors import LiveStatus, State
from strategy.live.meters import PREFIX, Meters

log = structlog.get_logger("metrics")

PATH: Final = "/metrics"
PORTS: Final = 100  # as many are tried, from the one wanted on: every symbol of a machine needs one of its own
_TIMEOUT_SECONDS: Final = 5.0

# Name, text, and how the value is found; None is left out.
_GAUGES: Final[tuple[tuple[str, str, Callable[[LiveStatus], float | None]], ...]] = (
    ("sigma", "volatility of one sample, as its policy states it", lambda now: now.sigma),
    ("mid_price", "middle of the book, quote units", lambda now: now.mid_price),
    ("equity_quote", "value of the account at mid, quote units", lambda now: now.equity),
    ("day_pnl_quote", "equity against the first of the UTC day, quote units", lambda now: now.day_pnl),
    ("position_base", "base held; on futures the position", lambda now: now.base),
    ("cash_quote", "quote held; on futures the wallet less what the position cost", lambda now: now.cash),
    ("open_orders", "orders of ours that rest or may rest", lambda now: now.open_orders),
    ("barrier_positions", "slots that hold a position", lambda now: now.positions),
    ("panicking", "1 while the panic rule keeps out", lambda now: now.panicking),
    ("market_delay_seconds", "venue's stamp to our receipt, by both clocks", lambda now: now.market_delay_s),
)
_SIDED: Final[tuple[tuple[str, str, Callable[[LiveStatus], tuple[float | None, float | None]]], ...]] = (
    ("half_spread_bps", "half-spread of the last decision", lambda now: (now.bid_bps, now.ask_bps)),
    ("quote_price", "our best resting price, quote units", lambda now: (now.bid_price, now.ask_price)),
)
_PLACE: Final = ("venue", "symbol")
_NOW: Final = (*_PLACE, "version", "regime")


class Gauges(Collector):
    """What a status says, and what meters count, as Prometheus has it; `status` returns the last one written."""

    def __init__(self, status: Callable[[], LiveStatus | None], meters: Callable[[], Meters | None]) -> None:
        """Read both whenever somebody asks."""
        self._status, self._meters = status, meters

    def collect(self) -> Iterable[Metric]:
        """Yield every family."""
        now, meters = self._status(), self._meters()
        if now is not None:
            yield from _of_process(now)
            yield from _of_session(now)
        if meters is not None:
            yield from meters.collect()


class MetricsServer:
    """The endpoint; `close` ends it."""

    def __init__(self, collector: Collector, host: str, port: int) -> None:
        """Listen at once, on this port or the next one that is free, or say in one line why that is impossible."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(collector)
        self._server = _listen(registry, host, port)
        if self._server is not None:
            threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    @property
    def url(self) -> str | None:
        """Return where it answers, None when it does not."""
        if self._server is None:
            return None
        host, port = self._server.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}{PATH}"

    def close(self) -> None:
        """End it."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def _listen(registry: CollectorRegistry, host: str, port: int) -> ThreadingHTTPServer | None:
    handler = _handler(registry)
    for tried in range(port, port + PORTS):
        try:
            server = ThreadingHTTPServer((host, tried), handler)
        except (OSError, OverflowError) as error:
            fault = error
            if not isinstance(error, OSError) or error.errno != errno.EADDRINUSE:
                break
        else:
            server.daemon_threads = True
            log.info("metrics", url=f"http://{host}:{server.server_address[1]}{PATH}")
            return server
    log.warning("no metrics, quoting goes on", host=host, port=port, reason=str(fault))
    return None


def _handler(registry: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _TIMEOUT_SECONDS  # whoever connects and says nothing does not hold a thread for ever

        def do_GET(self) -> None:
            """Answer with all metrics."""
            if self.path.partition("?")[0] != PATH:
                self.send_error(404, f"metrics are at {PATH}")
                return
            body = generate_latest(registry)
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep requests out of the log."""

    return Handler


def _of_process(now: LiveStatus) -> Iterator[Metric]:
    place = (now.venue, now.symbol)
    states = GaugeMetricFamily(f"{PREFIX}_state", "1 for the state that the process is in", labels=(*_PLACE, "state"))
    for state in get_args(State):
        states.add_metric((*place, state), float(now.state == state))
    yield states
    version = GaugeMetricFamily(f"{PREFIX}_version", "parameter version that quotes, 0 before the first", labels=_PLACE)
    version.add_metric(place, now.version or 0)
    yield version
    beat = GaugeMetricFamily(f"{PREFIX}_heartbeat_timestamp_seconds", "when it last wrote its status", labels=_PLACE)
    beat.add_metric(place, now.heartbeat_ns / 1e9)
    yield beat
    events = CounterMetricFamily(f"{PREFIX}_events", "events fed to the strategy", labels=_PLACE)
    events.add_metric(place, now.events)
    yield events


def _of_session(now: LiveStatus) -> Iterator[Metric]:
    labels = (now.venue, now.symbol, str(now.version), str(now.regime))
    for name, text, value in _GAUGES:
        found = value(now)
        if found is not None:
            family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=_NOW)
            family.add_metric(labels, float(found))
            yield family
    for name, text, values in _SIDED:
        family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=(*_NOW, "side"))
        for side, found in zip(("bid", "ask"), values(now), strict=True):
            if found is not None:
                family.add_metric((*labels, side), found)
        yield family
