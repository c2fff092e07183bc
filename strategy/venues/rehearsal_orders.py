"""Orders for rehearsals: they take every step of the way to the venue but the last one, and are refused."""

from functools import partial
from typing import Any, Final

from strategy.errors import OrderRejected
from strategy.kernel.records import REJECT_OTHER
from strategy.venues.later import Later
from strategy.venues.order_door import OrderDoor
from strategy.venues.order_sender import OrderSender, order_name
from strategy.venues.own_line import OwnLines
from strategy.venues.ports import OrderReport, OrderRequest, OwnFill, missing
from strategy.venues.signing import Signer

NO_SECRET: Final = "rehearsal"  # signs in the place of the account's own: no venue would take such a request


class RehearsalOrders:
    """An account at which nothing ever is. See `strategy.venues.ports.Orderer`."""

    def __init__(self, sender: OrderSender, lines: OwnLines) -> None:
        """Take what prepares orders, and the lines on which it writes them."""
        self._sender, self._lines = sender, lines

    @classmethod
    async def beside(cls, sender: OrderSender, exchange: Any) -> "RehearsalOrders":
        """Return orders that are prepared as a sender's are; of ccxt's exchange object they take what does not act."""
        lines = await OwnLines.opened()
        door = OrderDoor(exchange, sender.endpoint, lines, Signer(exchange, NO_SECRET))
        return cls(sender.to(door), lines)

    @property
    def taken(self) -> int:
        """Return how many bytes have been written so far, and dropped."""
        return self._lines.taken

    def place(self, request: OrderRequest) -> Later[OrderReport]:
        """Prepare an order, write it to ourselves and refuse it."""
        return Later(partial(self._refuse, request, self._sender.send(request)))

    async def _refuse(self, request: OrderRequest, sent: object) -> OrderReport:
        raise sent if isinstance(sent, OrderRejected) else OrderRejected(order_name(request), REJECT_OTHER)

    async def cancel(self, client_id: str) -> OrderReport:
        """Say that there is no such order."""
        return missing(client_id)

    async def order(self, client_id: str) -> OrderReport:
        """Say that there is no such order."""
        return missing(client_id)

    async def fills(self, since_trade_id: int) -> list[OwnFill]:
        """Return no executions."""
        return []

    async def close(self) -> None:
        """End the line."""
        await self._lines.close()
