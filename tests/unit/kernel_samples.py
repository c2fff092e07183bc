"""A strategy on a simple instrument, and a small hand for feeding it, for the tests of kernel and replay."""

from typing import Any

import numpy as np

from strategy.kernel.records import ACK, BOOK, CANCEL, CANCELLED, FILL, FRESH, PLACE, REJECT, TAKE, TIMER
from strategy.policies.document import Instrument
from strategy.policies.parameters import ParameterSet
from strategy.policies.stepper import Stepper, new_event

MS = 1_000_000
SECOND = 1_000_000_000
START = 1_700_000_000_000_000_000
BTC = Instrument(
    venue="paper", symbol="BTC/FDUSD", tick_size="0.01", lot_size="0.00001", min_qty="0.00001", min_notional="5"
)


def parameter_set(inventory: str = "neutral", spread: str | dict[str, Any] = "discrete", **groups: Any) -> ParameterSet:
    """Return a parameter set of the named policies (or a policy's own fields); other groups as given."""
    width = {"policy": spread} if isinstance(spread, str) else spread
    return ParameterSet.model_validate({"inventory": {"policy": inventory}, "spread": width, **groups})


class Hand:
    """Feeds a stepper and keeps the time, the ids of open orders, and what was done."""

    def __init__(self, parameters: ParameterSet, base_lots: float = 1_000.0, quote_atoms: float = 1e12) -> None:
        """Start at START with the given holdings."""
        self.stepper = Stepper(parameters, BTC, base_lots, quote_atoms, 1)
        self.now = START
        self.seq = 0
        self.trade_id = 0

    def feed(self, kind: int, after_s: float = 0.0, **fields: float) -> list[Any]:
        """Feed one event `after_s` later and return copies of the actions."""
        self.now += round(after_s * SECOND)
        self.seq += 1
        count = self.stepper.feed(new_event(kind, seq=self.seq, local_ts=self.now, **fields))
        return list(self.stepper.actions[:count].copy())

    def book(self, bid: int, ask: int, after_s: float = 0.1, fresh: bool = False) -> list[Any]:
        """Feed a book with these best prices."""
        fields = {"bid_ticks": bid, "ask_ticks": ask, "bid_lots": 10, "ask_lots": 10}
        return self.feed(BOOK, after_s, flag=FRESH if fresh else 0, **fields)

    def ack(self, order_id: int) -> list[Any]:
        """Acknowledge an order."""
        return self.feed(ACK, order_id=order_id)

    def ack_all(self, actions: list[Any]) -> None:
        """Acknowledge every order placed by these actions."""
        for action in actions:
            if action["kind"] == PLACE:
                assert self.ack(int(action["order_id"])) == []

    def fill(self, action: Any, lots: int, leaves: int, after_s: float = 0.0) -> list[Any]:
        """Fill an order placed by `action`."""
        self.trade_id += 1
        price, side = int(action["price_ticks"]), int(action["side"])
        fields = {"order_id": int(action["order_id"]), "side": side, "price_ticks": price, "code": self.trade_id}
        return self.feed(FILL, after_s, qty_lots=lots, leaves_lots=leaves, **fields)

    def cancelled(self, order_id: int, after_s: float = 0.0) -> list[Any]:
        """Confirm a cancel."""
        return self.feed(CANCELLED, after_s, order_id=order_id)

    def reject(self, order_id: int, code: int) -> list[Any]:
        """Refuse an order."""
        return self.feed(REJECT, order_id=order_id, code=code)

    def timer(self, after_s: float = 0.0) -> list[Any]:
        """Feed a timer."""
        return self.feed(TIMER, after_s)

    def state_of(self, order_id: int) -> int:
        """Return the slot state of an open order, -1 when it is not open."""
        found = [o["state"] for o in self.stepper.snapshot()["open"] if o["order_id"] == order_id]
        return found[0] if found else -1


def placed(actions: list[Any]) -> list[tuple[int, int, int]]:
    """Return (side, price, lots) of what was placed."""
    return [(int(a["side"]), int(a["price_ticks"]), int(a["qty_lots"])) for a in actions if a["kind"] == PLACE]


def taken(actions: list[Any]) -> list[tuple[int, int, int, int]]:
    """Return (purpose, side, price, lots) of what was sent to take."""
    return [
        (int(a["purpose"]), int(a["side"]), int(a["price_ticks"]), int(a["qty_lots"]))
        for a in actions
        if a["kind"] == TAKE
    ]


def cancelled_ids(actions: list[Any]) -> list[int]:
    """Return the ids of what was cancelled."""
    return [int(a["order_id"]) for a in actions if a["kind"] == CANCEL]


def records(dtype: np.dtype[Any], **fields: Any) -> Any:
    """Return one record of a dtype."""
    record = np.zeros(1, dtype)
    for name, value in fields.items():
        record[name] = value
    return record[0]
