"""The REST endpoints under `/api/v3`, or `/fapi` for futures, and `/sapi/v1`; and the listen keys."""

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from strategy.venues.paper.faults.menu import Delay, Error, Html, ReplyFault
from strategy.venues.paper.faults.replies import ReplyFaults, page, refusal, retry_after_s
from strategy.venues.paper.futures.routes import FUTURES
from strategy.venues.paper.gate import Gate, rest_payload
from strategy.venues.paper.operations import Raw, Venue
from strategy.venues.paper.parameters import text
from strategy.venues.paper.refusals import Refusal
from strategy.venues.paper.routes import ACCOUNT, LISTEN_KEY, REST, Operation

JSON = "application/json"
LISTEN_KEY_PATHS = ("userDataStream", "v1/listenKey")  # spot's and futures'


class RestApi:
    """Requests over HTTP."""

    def __init__(self, venue: Venue, gate: Gate, faults: ReplyFaults, turn_clock: Callable[[], int]) -> None:
        """Serve a venue; `turn_clock` brings the market's clock up to now and returns it."""
        self._routes = ACCOUNT | (FUTURES if venue.market.config.is_futures else REST)
        self._venue, self._gate, self._faults, self._turn_clock = venue, gate, faults, turn_clock
        self._keys = itertools.count(1)
        self.listen_keys: set[str] = set()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request, or do what a fault says."""
        body = await request.text()
        fault = self._faults.meet(self._operation_name(request))
        if isinstance(fault, Delay):
            return await self._late(request, body, fault)
        if fault is None:
            return self._answer(request, body)
        if fault.after:
            self._answer(request, body)
        return self._wrong(request, fault)

    async def _late(self, request: web.Request, body: str, fault: Delay) -> web.Response:
        answer = self._answer(request, body) if fault.after else None
        await asyncio.sleep(fault.seconds)
        return self._answer(request, body) if answer is None else answer

    def _answer(self, request: web.Request, body: str) -> web.Response:
        """Answer one request, refusals with the venue's code and status."""
        try:
            result = self._result(request, body, self._turn_clock())
        except Refusal as refused:
            return self._response(refused.body(), refused.status, 10 if refused.status == 429 else None)
        return self._response(result, 200)

    def _wrong(self, request: web.Request, fault: ReplyFault) -> web.Response:
        if isinstance(fault, Error):
            refused = refusal(fault, self._turn_clock())
            return self._response(refused.body(), refused.status, retry_after_s(fault))
        if isinstance(fault, Html):
            return web.Response(text=page(fault), status=fault.status, content_type="text/html")
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _result(self, request: web.Request, body: str, now_ns: int) -> Any:
        path = request.match_info["path"]
        parameters = dict(request.query) | _form(body)
        key = request.headers.get("X-MBX-APIKEY", "")
        if path in LISTEN_KEY_PATHS:
            self._gate.admit(now_ns, 2)
            return self._listen_key(request.method, key, parameters)
        operation = self._routes.get((request.method, path))
        if operation is None:
            raise Refusal(-5000, f"Path {request.path}, Method {request.method} is invalid", 404)
        self._admit(operation, key, rest_payload(request.rel_url.raw_query_string, body), parameters, now_ns)
        return operation.handler(self._venue, parameters)

    def _admit(self, operation: Operation, key: str, payload: str, parameters: dict[str, str], now_ns: int) -> None:
        self._gate.admit(now_ns, operation.weight)
        if operation.signed:
            self._gate.check_signed(key, payload, parameters, now_ns)
        if operation.is_order:
            self._gate.admit_order(now_ns)

    def _listen_key(self, method: str, key: str, parameters: dict[str, str]) -> Any:
        self._gate.check_key(key)
        if method == "POST":
            listen_key = f"{self._venue.market.engine.now_ns:x}{next(self._keys):044x}"
            self.listen_keys.add(listen_key)
            return {"listenKey": listen_key}
        if self._venue.market.config.is_futures and self.listen_keys:
            parameters = {"listenKey": max(self.listen_keys)} | parameters
        listen_key = text(parameters, "listenKey")
        if listen_key not in self.listen_keys:
            raise Refusal(-1125, "This listenKey does not exist.")
        if method == "DELETE":
            self.listen_keys.discard(listen_key)
        return {}

    def _operation_name(self, request: web.Request) -> str:
        """Return what faults call a request; its path where there is no such operation."""
        path = request.match_info["path"]
        operation = self._routes.get((request.method, path))
        if operation is not None:
            return operation.handler.__name__
        return LISTEN_KEY if path in LISTEN_KEY_PATHS else path

    def _response(self, result: Any, status: int, retry_after_s: int | None = None) -> web.Response:
        body = result if isinstance(result, Raw) else json.dumps(result, separators=(",", ":"))
        headers = self._gate.headers() | ({} if retry_after_s is None else {"Retry-After": str(retry_after_s)})
        return web.Response(text=str(body), status=status, content_type=JSON, headers=headers)


def _form(body: str) -> dict[str, str]:
    return dict(parse_qsl(body, keep_blank_values=True))
