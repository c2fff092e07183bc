"""A market that comes and goes: every other update is too thin to quote on, so every return is a tick to act on.

Prices stand still, so both clients under test have nothing to do but to place when depth is there and to cancel when
it has gone.
"""

from decimal import Decimal
from pathlib import Path
from typing import Final

import orjson

from strategy.live.segment import LineFile

SYMBOL: Final = "BTC/FDUSD"
PERIOD_NS: Final = 100_000_000
LEVELS: Final = 10
DEEP, THIN = "1.00000", "0.00100"
ENOUGH: Final = 0.5  # base units within the band; between the two
_MID: Final = Decimal(60_000)
_TICK: Final = Decimal("0.01")


def write_pulse(path: Path, seconds: float) -> None:
    """Write a recording of so many seconds; the first update is a thin one."""
    file, number = LineFile(path), 1_000
    _append(file, 0, {"lastUpdateId": number, "bids": _levels(-1, DEEP), "asks": _levels(1, DEEP)})
    for tick in range(1, int(seconds * 1e9 / PERIOD_NS) + 1):
        number, at_ns = number + 1, tick * PERIOD_NS
        qty = DEEP if tick % 2 == 0 else THIN
        body = {"e": "depthUpdate", "E": at_ns // 1_000_000, "s": SYMBOL.replace("/", ""), "U": number, "u": number}
        body |= {"b": _levels(-1, qty), "a": _levels(1, qty)}
        _append(file, at_ns, {"stream": f"{body['s'].lower()}@depth@100ms", "data": body})
    file.close()


def _append(file: LineFile, at_ns: int, message: dict[str, object]) -> None:
    file.append(at_ns, orjson.dumps(message))


def _levels(side: int, qty: str) -> list[list[str]]:
    return [[f"{_MID + side * _TICK * (1 + level):.2f}", qty] for level in range(LEVELS)]
