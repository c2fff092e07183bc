"""Who listens: public stream sockets and user streams. Every frame to any of them goes through `Hub.deliver`."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Literal

from aiohttp import web

from strategy.venues.paper.faults.events import EventFaults, UserEvent
from strategy.venues.paper.faults.frames import FrameFaults
from strategy.venues.paper.frame_log import FrameLog
from strategy.venues.paper.publisher import Frame

MOST_WAITING = 20_000
PING_SECONDS = 20.0
UserListener = Callable[[str], str]  # a user event's JSON -> the frame as this listener gets it
Endpoint = Literal["stream", "api"]


class Session:
    """One open websocket: what it listens to, and what waits to be sent."""

    def __init__(self, request: web.Request, endpoint: Endpoint, combined: bool = False) -> None:
        """Answer a request with a websocket; a combined one gets the stream's name with every message."""
        self.socket = web.WebSocketResponse(heartbeat=PING_SECONDS, compress=False)
        self.transport = request.transport
        self.endpoint = endpoint
        self.combined = combined
        self.streams: set[str] = set()
        self.user: dict[int, UserListener] = {}
        self.waiting: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)

    def is_one_of(self, kind: str) -> bool:
        """Say whether it is a `market`, `user` or `api` connection; `all` are."""
        return {"market": bool(self.streams), "user": bool(self.user), "api": self.endpoint == "api"}.get(kind, True)

    def cut(self) -> None:
        """End it without a word."""
        if self.transport is not None:
            self.transport.abort()

    async def write(self) -> None:
        """Send what waits, until the socket closes."""
        while not self.socket.closed:
            text = await self.waiting.get()
            try:
                await self.socket.send_str(text)
            except ConnectionError:
                return


class Hub:
    """All open sessions."""

    def __init__(self, log: FrameLog | None = None) -> None:
        """Start with nobody listening; `log` keeps what is published."""
        self.sessions: set[Session] = set()
        self.sent: Counter[str] = Counter()
        self.frames = FrameFaults()
        self.events = EventFaults(self._tell_listeners)
        self._log = log or FrameLog(None)

    def deliver(self, session: Session, kind: str, text: str) -> None:
        """Queue a frame for one listener and count it; one that reads too slowly is cut off."""
        if session.waiting.full():
            self.sessions.discard(session)
            session.cut()
            return
        session.waiting.put_nowait(text)
        self.sent[kind] += 1

    def publish(self, frames: list[Frame]) -> None:
        """Hand public frames to everyone who subscribed to their streams."""
        for frame in frames:
            kind = frame.stream.split("@")[1]
            lost = self.frames.loses(kind)
            listeners = [each for each in self.sessions if frame.stream in each.streams and not lost]
            for session in listeners:
                self.deliver(session, kind, frame.combined() if session.combined else frame.payload)
            self._log.keep(frame, len(listeners))

    async def hang_up(self, kind: str, abort: bool) -> int:
        """End every connection of a kind, in order or by cutting it; return how many."""
        meant = [session for session in self.sessions if session.is_one_of(kind)]
        for session in meant:
            if abort:
                session.cut()
            else:
                await session.socket.close()
        return len(meant)

    def _tell_listeners(self, event: UserEvent) -> None:
        text = json.dumps(event, separators=(",", ":"))
        for session in tuple(self.sessions):
            for listener in tuple(session.user.values()):
                self.deliver(session, event["e"], listener(text))
