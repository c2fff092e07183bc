"""The one parser of Binance's wire format (spot, USDT-M and COIN-M futures): JSON in, typed events out.

It reads combined-stream messages and bare ones, REST depth snapshots, exchangeInfo replies and our own marks (epoch,
clock). Stamps in milliseconds or microseconds become nanoseconds. `aggTrade` is left out on purpose: it repeats the
trades. So are a futures venue's transfers to its insurance fund: they come as trades at a price that is no price.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson

from strategy.errors import BadData
from strategy.kernel.records import BUY, SELL
from strategy.venues.events import (
    BookTicker,
    ClockOffset,
    DepthDiff,
    DepthSnapshot,
    Epoch,
    InstrumentInfo,
    Level,
    MarketEvent,
    Trade,
)

_MARKET: Final = "MARKET"  # futures say of a trade what it is


def parse(local_ts: int, payload: bytes) -> tuple[MarketEvent, ...]:
    """Return the events of one message; () for a valid message of another kind, BadData when it is wrong."""
    try:
        message = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise BadData(f"not JSON ({error})") from error
    if not isinstance(message, dict):
        raise BadData(f"not a JSON object: {payload[:40]!r}")
    data = message.get("data", message) if "stream" in message else message
    try:
        return _events(local_ts, data)
    except KeyError as error:
        raise BadData(f"{_kind(data)} message lacks {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise BadData(f"{_kind(data)} message is malformed ({error})") from error


def _events(local_ts: int, data: dict[str, Any]) -> tuple[MarketEvent, ...]:
    kind = data.get("e")
    if kind is not None:
        if data.get("X", _MARKET) != _MARKET and kind == "trade":
            return ()
        reader = _STREAMS.get(kind)
        return (reader(local_ts, data),) if reader else ()
    for mark, bare in _BARE.items():
        if mark in data:
            return bare(local_ts, data)
    return ()


def _kind(data: Any) -> str:
    if not isinstance(data, dict):
        return "stream"
    return str(data.get("e") or next((mark for mark in _BARE if mark in data), "stream"))


def _depth(local_ts: int, data: dict[str, Any]) -> DepthDiff:
    return DepthDiff(
        symbol=data["s"],
        # futures carry the time of the match as T; spot has only E, the time of the message
        exch_ts=nanoseconds(data.get("T") or data["E"]),
        local_ts=local_ts,
        first_id=_integer(data["U"]),
        final_id=_integer(data["u"]),
        prev_id=_integer(data.get("pu", -1)),
        bids=_levels(data["b"]),
        asks=_levels(data["a"]),
    )


def _trade(local_ts: int, data: dict[str, Any]) -> Trade:
    return Trade(
        symbol=data["s"],
        exch_ts=nanoseconds(data["T"]),
        local_ts=local_ts,
        trade_id=_integer(data["t"]),
        price=data["p"],
        qty=data["q"],
        side=SELL if data["m"] else BUY,
    )


def _ticker(local_ts: int, data: dict[str, Any]) -> BookTicker:
    return BookTicker(
        symbol=data["s"],
        local_ts=local_ts,
        update_id=_integer(data["u"]),
        bid=data["b"],
        bid_qty=data["B"],
        ask=data["a"],
        ask_qty=data["A"],
    )


def _snapshot(local_ts: int, data: dict[str, Any]) -> tuple[MarketEvent, ...]:
    last_id = _integer(data["lastUpdateId"])
    return (DepthSnapshot(local_ts, last_id, _levels(data["bids"]), _levels(data["asks"])),)


def _instruments(local_ts: int, data: dict[str, Any]) -> tuple[MarketEvent, ...]:
    return tuple(_instrument(local_ts, entry) for entry in data["symbols"])


def _instrument(local_ts: int, entry: dict[str, Any]) -> InstrumentInfo:
    filters = {each["filterType"]: each for each in entry["filters"]}
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or {}
    return InstrumentInfo(
        symbol=entry["symbol"],
        local_ts=local_ts,
        tick_size=filters["PRICE_FILTER"]["tickSize"],
        lot_size=filters["LOT_SIZE"]["stepSize"],
        min_qty=filters["LOT_SIZE"]["minQty"],
        min_notional=notional.get("minNotional") or notional.get("notional") or "0",
    )


def _epoch(local_ts: int, data: dict[str, Any]) -> tuple[MarketEvent, ...]:
    return (Epoch(local_ts, str(data["epoch"]["reason"])),)


def _clock(local_ts: int, data: dict[str, Any]) -> tuple[MarketEvent, ...]:
    clock = data["clock"]
    return (ClockOffset(local_ts, _integer(clock["offset_ns"]), _integer(clock["rtt_ns"]), _integer(clock["samples"])),)


def _bare_ticker(local_ts: int, data: dict[str, Any]) -> tuple[MarketEvent, ...]:
    return (_ticker(local_ts, data),)


def _levels(rows: list[list[str]]) -> tuple[Level, ...]:
    return tuple([(price, qty) for price, qty in rows])


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is not an integer")
    return value


def nanoseconds(stamp: Any) -> int:
    """Return a venue stamp in ns; milliseconds and microseconds are told apart by their size."""
    value = _integer(stamp)
    if value < 100_000_000_000_000:
        return value * 1_000_000
    return value * 1_000 if value < 100_000_000_000_000_000 else value


_STREAMS: Final[dict[str, Callable[[int, dict[str, Any]], MarketEvent]]] = {
    "depthUpdate": _depth,
    "trade": _trade,
    "bookTicker": _ticker,
}
_BARE: Final[dict[str, Callable[[int, dict[str, Any]], tuple[MarketEvent, ...]]]] = {
    "lastUpdateId": _snapshot,
    "symbols": _instruments,
    "epoch": _epoch,
    "clock": _clock,
    "B": _bare_ticker,  # spot's bookTicker names no event
}
