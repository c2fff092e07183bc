"""The quoting process's lines of `microvol status`, from what it last wrote of itself."""

from collections.abc import Iterator
from datetime import UTC, datetime
from time import time
from typing import NamedTuple

from flows.settings import Settings, load_settings
from strategy.live import doors
from strategy.live.capture_status import unslug


class Line(NamedTuple):
    """One line of the status: what, whether it is well, and the facts."""

    what: str
    state: str
    detail: str


def quoted(settings: Settings) -> Iterator[Settings]:
    """Yield the settings as they are, and those of every other market that is quoted under this home now."""
    yield settings
    own = (settings.venue, settings.symbol)
    for folder in sorted((settings.home / "live").glob("*/*")):
        place = (folder.parent.name, unslug(folder.name))
        if place != own and doors.is_running(settings.layout, *place):
            yield load_settings(home=settings.home, venue=place[0], symbol=place[1])


def quoting(settings: Settings) -> Iterator[Line]:
    """Yield what quotes, what it sees, what it offers and what it holds."""
    venue, symbol = settings.venue, settings.symbol
    live, what = doors.read_status(settings.layout, venue, symbol), f"quoting {venue} {symbol}"
    if live is None or not doors.is_running(settings.layout, venue, symbol):
        yield Line(what, "down", "" if live is None else f"last seen {ago(live.heartbeat_ns)}")
        return
    shadows = f", in its shadow {', '.join(map(str, live.shadows))}" if live.shadows else ""
    trial = f" on trial at {live.size_factor:g} of its size" if live.size_factor < 1 else ""
    facts = f"version {live.version}{trial}, heartbeat {ago(live.heartbeat_ns)}, {live.events} events{shadows}"
    facts += f", metrics at {live.metrics_url}" if live.metrics_url else ""
    said = (", panic" if live.panicking else "") + (f"; {live.note}" if live.note else "")
    yield Line(what, live.state, facts + said)
    if live.mid_price is not None:
        yield Line("  market", live.regime or "", _market(live))
        yield Line("  quotes", f"{live.open_orders} open", _quotes(live) + _speed(live))
    if live.base is not None and live.cash is not None:
        yield Line("  account", f"{live.fills} fills", _account(live))


def _market(live: doors.LiveStatus) -> str:
    sigma = "unknown" if live.sigma is None else f"{live.sigma:.3g}"
    delay = "" if live.market_delay_s is None else f", {live.market_delay_s * 1e3:.1f} ms after the venue's stamp"
    return f"mid {live.mid_price:,.8g}, sigma {sigma}{delay}"


def _quotes(live: doors.LiveStatus) -> str:
    """Return our best prices and the width that was decided last."""
    bid, ask = (
        "none" if price is None else f"{price:,.8g}" + (f" ({bps:.2f} bps)" if bps is not None else "")
        for price, bps in ((live.bid_price, _away(live, live.bid_price)), (live.ask_price, _away(live, live.ask_price)))
    )
    wanted = "" if live.bid_bps is None else f", half-spreads {live.bid_bps:.2f} and {live.ask_bps:.2f} bps"
    return f"bid {bid}, ask {ask}{wanted}"


def _away(live: doors.LiveStatus, price: float | None) -> float | None:
    return None if price is None or not live.mid_price else abs(price / live.mid_price - 1) * 1e4


def _speed(live: doors.LiveStatus) -> str:
    """Return how quickly the venue acknowledged the newest orders; nothing before it did."""
    if live.round_trip_ms_p50 is None or live.round_trip_ms_p99 is None:
        return ""
    middle, slow = (f"{ms:.3g} ms" for ms in (live.round_trip_ms_p50, live.round_trip_ms_p99))
    return f", acknowledged in {middle} (p99 {slow}, {live.round_trips} orders)"


def _account(live: doors.LiveStatus) -> str:
    base, quote = live.symbol.split(":")[0].split("/")
    worth = "" if live.equity is None else f", worth {live.equity:,.2f} {quote}"
    today = "" if live.day_pnl is None else f", today {live.day_pnl:+,.4f} {quote}"
    return f"{live.base:.8g} {base}, {live.cash:,.8g} {quote}{worth}{today}"


def ago(ns: int | None) -> str:
    """Return how long ago a moment was, in words a person reads at a glance."""
    if ns is None:
        return "never"
    seconds = time() - ns / 1e9
    if seconds > 172_800:
        return f"{datetime.fromtimestamp(ns / 1e9, UTC):%Y-%m-%d %H:%M} UTC"
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit} ago"
    return f"{max(seconds, 0):.1f} s ago"
