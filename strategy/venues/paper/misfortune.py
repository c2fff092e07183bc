"""Makes faults happen: hands each to whom it concerns, and does what concerns the whole server itself."""

import asyncio
import time
from typing import Protocol

from strategy.venues.paper.door import Door
from strategy.venues.paper.faults import menu
from strategy.venues.paper.faults.replies import ReplyFaults
from strategy.venues.paper.gate import Gate
from strategy.venues.paper.hub import Hub
from strategy.venues.paper.market import Market
from strategy.venues.paper.operations import Venue
from strategy.venues.paper.rest import RestApi


class Victim(Protocol):
    """The server, as far as faults reach into it."""

    hub: Hub
    gate: Gate
    replies: ReplyFaults
    venue: Venue
    rest: RestApi
    door: Door
    skew_ns: int

    def listen_to(self, market: Market) -> Market:
        """Let a market's account be heard on the user streams; return the market."""
        ...


class Misfortune:
    """The one who carries faults out."""

    def __init__(self, server: Victim) -> None:
        """Strike one server."""
        self._server = server

    async def carry_out(self, fault: menu.Fault) -> int:
        """Make a fault happen, or let it wait for what it concerns; return how many connections it ended."""
        hub = self._server.hub
        match fault:
            case menu.HangUp():
                return await self._hang_up(fault)
            case menu.Restart():
                return await self._restart(fault)
            case menu.Skip():
                hub.frames.skip(fault.stream, fault.count)
            case menu.Mute():
                hub.frames.mute(fault.stream, fault.seconds)
            case menu.Skew():
                self._skew(fault.ms)
            case menu.Clear():
                hub.frames.clear()
                hub.events.clear()
                self._server.replies.clear()
            case menu.Error() | menu.Html() | menu.Cut() | menu.Delay():
                self._server.replies.add(fault)
            case _:
                self._on_events(fault)
        return 0

    def _on_events(self, fault: menu.Deaf | menu.EventDelay | menu.EventDuplicate | menu.EventReorder) -> None:
        events = self._server.hub.events
        match fault:
            case menu.Deaf():
                events.deaf(fault.seconds)
            case menu.EventDelay():
                events.delay(fault.seconds, fault.count)
            case menu.EventDuplicate():
                events.duplicate(fault.count)
            case menu.EventReorder():
                events.reorder(fault.count)

    async def _hang_up(self, fault: menu.HangUp) -> int:
        if fault.what == "abort" and fault.on == "all":
            return self._server.door.cut()
        return await self._server.hub.hang_up(fault.on, fault.what == "abort")

    def _skew(self, ms: int) -> None:
        """Set the clock, back too: it is the one way for it to run back."""
        self._server.skew_ns = ms * 1_000_000
        self._server.venue.market.engine.now_ns = time.time_ns() + self._server.skew_ns

    async def _restart(self, fault: menu.Restart) -> int:
        server = self._server
        ended = await server.door.shut()
        server.rest.listen_keys.clear()
        server.gate.forget()
        if fault.memory != "all":
            server.venue.market = server.listen_to(_born_again(server.venue.market, fault.memory == "money"))
        await asyncio.sleep(fault.seconds)
        await server.door.open()
        return ended


def _born_again(market: Market, with_money: bool) -> Market:
    """Return a market at the same price whose orders and trades are unknown; what was locked is free again."""
    now_ns = market.engine.now_ns
    config = market.config.model_copy(update={"start_price": market.mid()})
    fresh = Market(config, now_ns, max(time.time_ns(), market.engine.ids_ns), market.recording)
    if with_money:
        fresh.account.inherit(market.account)
    return fresh
