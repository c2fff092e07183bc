"""Hand-made venue messages as collector lines."""

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

START_NS = 1_700_000_000_000_000_000
LATENCY_NS = 1_000_000


def stamp(second: float) -> int:
    return START_NS + round(second * 1e9)


def line(second: float, message: dict[str, Any]) -> bytes:
    return b"%d %b\n" % (stamp(second) + LATENCY_NS, orjson.dumps(message))


def diff(second: float, first: int, final: int, bids: Any = (), asks: Any = (), **more: Any) -> bytes:
    data = {"e": "depthUpdate", "E": stamp(second) // 1_000_000, "s": "BTCUSDT", "U": first, "u": final}
    data |= {"b": [list(level) for level in bids], "a": [list(level) for level in asks], **more}
    return line(second, {"stream": "btcusdt@depth@100ms", "data": data})


def snapshot(second: float, last: int, bids: Any, asks: Any) -> bytes:
    levels = {"bids": [list(level) for level in bids], "asks": [list(level) for level in asks]}
    return line(second, {"lastUpdateId": last, **levels})


def trade(second: float, number: int, price: str, qty: str, buyer_made: bool = False) -> bytes:
    ms = stamp(second) // 1_000_000
    data = {"e": "trade", "E": ms, "s": "BTCUSDT", "t": number, "p": price, "q": qty, "T": ms, "m": buyer_made}
    return line(second, {"stream": "btcusdt@trade", "data": data})


def ticker(second: float, number: int, bid: str, ask: str) -> bytes:
    data = {"u": number, "s": "BTCUSDT", "b": bid, "B": "1.0", "a": ask, "A": "2.0"}
    return line(second, {"stream": "btcusdt@bookTicker", "data": data})


def epoch(second: float, reason: str = "connected") -> bytes:
    return line(second, {"epoch": {"n": 1, "reason": reason}})


def exchange_info(second: float, tick: str = "0.01000000", lot: str = "0.00100000") -> bytes:
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": tick},
        {"filterType": "LOT_SIZE", "stepSize": lot, "minQty": lot},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
    ]
    return line(second, {"symbols": [{"symbol": "BTCUSDT", "filters": filters}]})


def session(start: float = 0.0, updates: int = 20, first_id: int = 100, first_trade: int = 1) -> list[bytes]:
    """A connection: mark, sizes, one diff, a snapshot that continues it, then diffs and trades 0.1 s apart."""
    lines = [
        epoch(start),
        exchange_info(start),
        diff(start + 0.01, first_id - 5, first_id, [("99.00", "1.000")]),
        snapshot(start + 0.02, first_id, [("100.00", "1.000"), ("99.99", "2.000")], [("100.02", "1.500")]),
    ]
    for i in range(updates):
        second = start + 0.1 * (i + 1)
        lines.append(diff(second, first_id + 2 * i + 1, first_id + 2 * i + 2, [("100.00", f"{1 + i}.000")]))
        lines.append(trade(second + 0.05, first_trade + i, "100.02", "0.010", buyer_made=i % 2 == 0))
    return lines


def write(path: Path, lines: Iterable[bytes]) -> Path:
    """Write lines to a plain or gzip file, by its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b"".join(lines)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path
