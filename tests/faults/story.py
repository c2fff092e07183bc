"""What journals and venue tell of the same sessions, compared exactly."""

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from strategy.kernel.records import BUY
from strategy.live.journal import read_journal
from strategy.live.last_session import read_last_session
from strategy.live.parity import ParityReport, check

LOT: Final = Decimal("0.00001")
TICK: Final = Decimal("0.01")
_COMPILING: Final = threading.Lock()  # the first one compiles
_MONEY: Final = Decimal("1e-8")


def journals(folder: Path) -> list[Path]:
    """Return the journals of a symbol in the order of their sessions; those that had not begun are left out."""
    found = sorted(path for path in folder.glob("[!.]*.log*"))
    return [path for path in found if next(read_journal(path), None) is not None]


def told(folder: Path) -> tuple[Decimal, Decimal]:
    """Return what the newest journal says is held: base and quote units."""
    last = read_last_session(folder)
    assert last is not None, f"{folder} has no journal"
    return money(last.base_lots * LOT), money(last.quote_atoms * LOT * TICK)


def sent(folder: Path) -> set[str]:
    """Return the orders that the newest journal says were sent and does not say have ended."""
    last = read_last_session(folder)
    return set() if last is None else {order.client_id for order in last.orders.values()}


def money(amount: Decimal) -> Decimal:
    """Return an amount in the venue's smallest unit."""
    return amount.quantize(_MONEY).normalize()


def executions(folder: Path) -> dict[int, tuple[int, Decimal, Decimal, Decimal]]:
    """Return side, price, quantity and fee of every journalled execution by trade id; none may be told twice."""
    found: dict[int, tuple[int, Decimal, Decimal, Decimal]] = {}
    for path in journals(folder):
        for entry in read_journal(path):
            body = entry.body
            if body["t"] == "fill":
                assert body["trade_id"] not in found, f"execution {body['trade_id']} is told twice"
                found[body["trade_id"]] = _told(body)
    return found


def _told(body: dict[str, Any]) -> tuple[int, Decimal, Decimal, Decimal]:
    base, quote = (Decimal(repr(body[name])) for name in ("fee_base_lots", "fee_quote_atoms"))
    fee = money(base * LOT) if body["side"] == BUY else money(quote * LOT * TICK)
    return body["side"], body["price_ticks"] * TICK, body["qty_lots"] * LOT, fee


def parities(folder: Path) -> list[ParityReport]:
    """Return what `microvol parity` says of every session; in any thread, one after the other."""
    with _COMPILING:
        return [check(path) for path in journals(folder)]
