"""The market streams: `/stream` (combined) and `/ws` (raw), with SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from strategy.venues.paper.hub import Hub, Session

KINDS = ("depth@100ms", "depth", "trade", "bookTicker")


def _is_user(text: str) -> str:
    return text


async def converse(hub: Hub, request: web.Request, session: Session, hear: Callable[[str], None]) -> None:
    """Run one websocket: `hear` gets the requests in order, frames are written as they come."""
    await session.socket.prepare(request)
    hub.sessions.add(session)
    writer = asyncio.create_task(session.write())
    try:
        async for message in session.socket:
            if message.type == WSMsgType.TEXT:
                hear(message.data)
    finally:
        hub.sessions.discard(session)
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer


class Streams:
    """The stream endpoints of one symbol."""

    def __init__(self, hub: Hub, venue_symbol: str, listen_keys: set[str]) -> None:
        """Serve the symbol's streams, and user streams by listen key."""
        self._hub, self._listen_keys = hub, listen_keys
        self._known = {f"{venue_symbol.lower()}@{kind}" for kind in KINDS}

    async def combined(self, request: web.Request) -> web.WebSocketResponse:
        """Serve `/stream`, `/stream?streams=a/b` and ccxt's `/stream/N`."""
        names = request.query.get("streams", "")
        return await self._serve(request, combined=True, names=names.split("/") if names else [])

    async def raw(self, request: web.Request) -> web.WebSocketResponse:
        """Serve `/ws`, `/ws/<stream>` and `/ws/<listenKey>`."""
        tail = request.match_info.get("tail", "")
        return await self._serve(request, combined=False, names=tail.split("/") if tail else [])

    async def _serve(self, request: web.Request, combined: bool, names: list[str]) -> web.WebSocketResponse:
        session = Session(request, "stream", combined)
        for name in names:
            if name in self._listen_keys:
                session.user[0] = _is_user
        session.streams.update(self._public(names))
        await converse(self._hub, request, session, lambda text: self._hear(session, text))
        return session.socket

    def _public(self, names: list[str]) -> set[str]:
        """Return the streams that are meant; plain `depth` is served at 100 ms too."""
        return {f"{name}@100ms" if name.endswith("@depth") else name for name in names if name in self._known}

    def _hear(self, session: Session, text: str) -> None:
        self._hub.deliver(session, "reply", self._answer(session, text))

    def _answer(self, session: Session, text: str) -> str:
        try:
            request = json.loads(text)
            number = request.get("id")
            return json.dumps(self._command(session, request) | {"id": number})
        except (ValueError, AttributeError, TypeError):
            return '{"error":{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}}'

    def _command(self, session: Session, request: dict[str, Any]) -> dict[str, Any]:
        method, names = request.get("method"), request.get("params", [])
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": sorted(session.streams)}
        if method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
            return {"error": {"code": 2, "msg": f"Invalid request: unknown variant `{method}`"}}
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return {"error": {"code": 2, "msg": "Invalid request: params must be a list of streams"}}
        if method == "SUBSCRIBE":
            session.streams |= self._public(names)
        else:
            session.streams -= self._public(names)
        return {"result": None}
