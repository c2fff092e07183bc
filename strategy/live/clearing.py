"""Getting our orders off a venue, for a session that begins or ends and for the supervisor of a dead one."""

import asyncio
import time
from collections.abc import Callable

import structlog

from strategy.errors import BadInput, Failed, VenueError
from strategy.live.desk import PREFIX
from strategy.venues.ports import Broker

log = structlog.get_logger("clearing")

_AGAIN_SECONDS = 0.1
_LATE_LOOK_SECONDS = 0.2


async def clear_orders(broker: Broker, deadline_s: float, confirm_s: float = 0.0) -> int:
    """Cancel what carries our prefix until the venue confirms that none of it rests; return how many did.

    A request that a killed process had just sent may arrive after the first look, so a second one follows `confirm_s`
    later. Failed when orders still rest at the deadline, or the venue cannot be asked.
    """
    ends = time.monotonic() + deadline_s
    seen: set[str] = set()
    empty_at: float | None = None
    fault = "orders still rest"
    while True:
        try:
            resting = await _ours(broker)
            seen.update(resting)
            await asyncio.gather(*(broker.cancel(client_id) for client_id in resting))
            now = time.monotonic()
            empty_at = None if resting else (empty_at or now)
            if empty_at is not None and now - empty_at >= confirm_s:
                return len(seen)
        except VenueError as error:
            fault, empty_at = str(error), None
            log.warning("clearing", error=fault)
        if time.monotonic() >= ends:
            raise Failed(f"open orders could not be cleared within {deadline_s:g} s: {fault}")
        await asyncio.sleep(_AGAIN_SECONDS)


async def clear_late_orders(broker: Broker, over: Callable[[], bool]) -> int:
    """Cancel what carries our prefix as it arrives, until `over`; return how many orders did.

    A venue that cannot be asked is asked again.
    """
    seen: set[str] = set()
    while not over():
        try:
            resting = await _ours(broker)
            if over():  # what rests now may be of somebody who lives
                break
            seen.update(resting)
            await asyncio.gather(*(broker.cancel(client_id) for client_id in resting))
        except VenueError as error:
            log.warning("late orders", error=str(error))
        await asyncio.sleep(_LATE_LOOK_SECONDS)
    return len(seen)


async def refuse_foreign(broker: Broker) -> None:
    """Raise BadInput when orders rest that are not ours: somebody else trades on this account."""
    foreign = [report.client_id for report in await broker.open_orders() if not report.client_id.startswith(PREFIX)]
    if foreign:
        raise BadInput(
            f"{len(foreign)} open orders are not ours (first: {foreign[0]}); cancel them or pass --allow-foreign"
        )


async def _ours(broker: Broker) -> list[str]:
    return [report.client_id for report in await broker.open_orders() if report.client_id.startswith(PREFIX)]
