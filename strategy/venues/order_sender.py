"""One symbol's orders on their way out: counted against the venue's limits, put into its words, and sent at once."""

from collections.abc import Awaitable
from typing import Any

from strategy.errors import OrderRejected
from strategy.venues.budget import Budget
from strategy.venues.endpoints import endpoints, order_fields
from strategy.venues.order_door import OrderDoor
from strategy.venues.ports import OrderRequest
from strategy.venues.settings import VenueConfig
from strategy.venues.units import Units


class OrderSender:
    """Send orders of one symbol through a door."""

    def __init__(self, config: VenueConfig, units: Units, budget: Budget, door: OrderDoor) -> None:
        """Take the symbol, and what its orders go through."""
        self._config, self._units, self._budget, self._door = config, units, budget, door
        self.endpoint = endpoints(config).place

    def send(self, request: OrderRequest) -> Awaitable[Any] | OrderRejected:
        """Send an order and return what to await; an error = it did not go out."""
        try:
            self._budget.send_order(order_name(request), self.endpoint.weight)
            return self._door.send(self.endpoint, order_fields(self._config, self._units, request), request.written)
        except OrderRejected as error:
            return error

    def to(self, door: OrderDoor) -> "OrderSender":
        """Return one that sends through another door, and counts for itself in the same windows without an end."""
        return OrderSender(self._config, self._units, self._budget.unlimited(), door)


def order_name(request: OrderRequest) -> str:
    """Return how messages call a request for an order."""
    return f"order {request.client_id}"
