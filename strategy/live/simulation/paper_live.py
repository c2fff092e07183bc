"""The venue `paper-live`: real market data, orders matched here by the fill model. No order ever leaves this process.

What goes out are public requests for market data alone, by an exchange object that has no key. Everything about orders
is answered by a `SimulatedExchange`, whose answers come in by the same doors as those of any other venue.
"""

from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from strategy.live.simulation.assumptions import read_assumptions
from strategy.live.simulation.broker import SimulatedBroker
from strategy.policies.document import Instrument
from strategy.venues.ccxt_broker import CcxtBroker
from strategy.venues.ccxt_feed import QUOTED, CcxtFeed
from strategy.venues.ports import Broker, Feed
from strategy.venues.settings import VenueConfig


def open_doors(venue: VenueConfig, folder: Path) -> tuple[Feed, Broker]:
    """Return the two doors to a venue; `folder` is its live folder, where a simulated one keeps its account."""
    if not venue.is_simulated:
        return CcxtFeed(venue, streams=QUOTED), CcxtBroker(venue)
    public = venue.model_copy(update={"api_key": SecretStr(""), "secret": SecretStr("")})
    broker = SimulatedBroker(lambda: stated(public), folder, read_assumptions(folder))
    return TappedFeed(CcxtFeed(public, streams=QUOTED), broker), broker


async def stated(venue: VenueConfig) -> Instrument:
    """Return a symbol's filters as its venue states them in public."""
    asked = CcxtBroker(venue)
    try:
        return await asked.instrument()
    finally:
        await asked.close()


class TappedFeed:
    """A feed whose frames the simulated exchange sees too, after the strategy has. See `strategy.venues.ports.Feed`."""

    def __init__(self, feed: Feed, broker: SimulatedBroker) -> None:
        """Pass on a feed."""
        self._feed, self._broker = feed, broker

    async def deliver(self, take: Callable[[int, bytes], None]) -> None:
        """Deliver every frame twice."""

        def both(local_ns: int, payload: bytes) -> None:
            take(local_ns, payload)
            self._broker.frame(local_ns, payload)

        await self._feed.deliver(both)

    async def resnapshot(self) -> None:
        """Have a REST snapshot fetched."""
        await self._feed.resnapshot()

    async def close(self) -> None:
        """End the connection."""
        await self._feed.close()
