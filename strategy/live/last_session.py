"""What the newest journal of a symbol leaves behind: its last execution, its holdings, orders that it did not see end.

Whatever the session did not live to hear of is asked of the venue from there on.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson

from strategy.errors import BadData
from strategy.kernel.records import BALANCE, CANCEL
from strategy.live.books import exact
from strategy.live.desk import LiveOrder
from strategy.venues.collector import CollectorFile

# Most lines are market events and decisions: they are passed over unread.
_PASSED: Final = (b'{"t":"decision"', b'{"t":"parameters"')
_EVENT: Final = b'{"t":"event"'
_BALANCE: Final = b'{"t":"event","e":{"kind":%d,' % BALANCE
_ENDED: Final = ("cancelled", "reject")
_KEPT: Final = 2_000  # ended orders, for executions that nobody heard of in time


@dataclass(slots=True)
class LastSession:
    """The end of a session as its journal has it."""

    session: str = ""
    last_trade_id: int | None = None  # None: a journal that says nothing of executions
    begun_after_id: int = 0  # the holdings at its begin are those after this execution
    complete_id: int = 0  # no execution up to here is missing from the journals
    executed: set[int] = field(default_factory=set)  # those after it that are in the journal, told out of turn maybe
    base_lots: Decimal = Decimal(0)
    quote_atoms: Decimal = Decimal(0)
    orders: dict[int, LiveOrder] = field(default_factory=dict)  # sent, and not known to have ended; by our number
    ended: dict[int, LiveOrder] = field(default_factory=dict)  # the newest of the others: what was told may be wrong

    def find(self, client_id: str) -> LiveOrder | None:
        """Return an order of the session, unless it ended long ago."""
        known = (*self.orders.values(), *self.ended.values())
        return next((order for order in known if order.client_id == client_id), None)

    @property
    def newest_unanswered_ns(self) -> int:
        """Return when the newest order was sent of which the journal does not know whether it arrived, 0 for none."""
        return max((order.sent_ns for order in self.orders.values() if not order.known), default=0)

    def take(self, local_ns: int, body: dict[str, Any]) -> None:
        """Take one line."""
        kind = body["t"]
        if kind == "session":
            self.session, self.last_trade_id = body["session"], body.get("last_trade_id")
            self.begun_after_id = self.complete_id = self.last_trade_id or 0
            self._hold(body)
        elif kind == "event":
            self._hold({"base_lots": 0.0, "quote_atoms": 0.0, **body["e"]})
        elif kind == "action" and body["kind"] != CANCEL:
            self.orders[body["order_id"]] = _order(local_ns, body)
        elif kind == "veto":
            self.orders.pop(body["order_id"], None)
        elif kind == "order" and body["what"] in _ENDED:
            self._end(body["order_id"])
        elif kind == "order" and body["what"] == "ack" and body["order_id"] in self.orders:
            self.orders[body["order_id"]].confirm()
        elif kind == "fill":
            self._execute(body)
        elif kind == "listed":
            self.complete_id = body["trade_id"]
            self.executed = {trade_id for trade_id in self.executed if trade_id > self.complete_id}

    def _hold(self, held: dict[str, Any]) -> None:
        self.base_lots, self.quote_atoms = exact(held["base_lots"]), exact(held["quote_atoms"])

    def _execute(self, body: dict[str, Any]) -> None:
        lots = body["side"] * body["qty_lots"]
        if body["trade_id"] > self.begun_after_id:  # what an earlier session missed is in the holdings at the begin
            self.base_lots += lots - exact(body["fee_base_lots"])
            self.quote_atoms -= lots * body["price_ticks"] + exact(body["fee_quote_atoms"])
        self.last_trade_id = max(self.last_trade_id or 0, body["trade_id"])
        if body["trade_id"] > self.complete_id:
            self.executed.add(body["trade_id"])
        order = self.orders.get(body["order_id"])
        if order is not None:
            order.confirm()
            order.filled_lots += body["qty_lots"]
            if order.filled_lots >= order.qty_lots:
                self._end(order.order_id)

    def _end(self, order_id: int) -> None:
        order = self.orders.pop(order_id, None)
        if order is not None:
            self.ended[order_id] = order
        if len(self.ended) > _KEPT:
            del self.ended[next(iter(self.ended))]


def read_last_session(folder: Path) -> LastSession | None:
    """Read the newest journal that has begun, None when there is none; a torn end is where it ends."""
    for path in sorted(folder.glob("[!.]*.log*"), reverse=True):
        found = _read(path)
        if found.session:
            return found
    return None


def _read(path: Path) -> LastSession:
    found = LastSession()
    for line in CollectorFile(path):
        if line.payload.startswith(_EVENT) and not line.payload.startswith(_BALANCE):
            continue
        if line.payload.startswith(_PASSED):
            continue
        try:
            found.take(line.local_ns, orjson.loads(line.payload))
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise BadData(f"{path} line {line.number} is not a journal line ({error!r})") from error
    return found


def _order(local_ns: int, action: dict[str, Any]) -> LiveOrder:
    return LiveOrder(
        client_id=action["client_id"],
        order_id=action["order_id"],
        version=action["version"],
        side=action["side"],
        level=action["level"],
        price_ticks=action["price_ticks"],
        qty_lots=action["qty_lots"],
        mid_ticks=action["mid_ticks"],
        regime=action["regime"],
        sent_ns=local_ns,
        purpose=action.get("purpose", 0),
    )
