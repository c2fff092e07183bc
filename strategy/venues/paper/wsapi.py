"""The WS API: requests over one socket, and the user stream that rides on it after a signed subscription."""

import asyncio
import itertools
import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from aiohttp import web

from strategy.venues.paper.faults.menu import Cut, Delay, Error, Html, ReplyFault
from strategy.venues.paper.faults.replies import ReplyFaults, page, refusal
from strategy.venues.paper.gate import Gate, socket_payload
from strategy.venues.paper.hub import Hub, Session
from strategy.venues.paper.listing import rate_limits
from strategy.venues.paper.operations import Raw, Venue
from strategy.venues.paper.refusals import Refusal
from strategy.venues.paper.routes import SOCKET, SUBSCRIBE, Operation
from strategy.venues.paper.streams import converse

SUBSCRIBE_METHOD, UNSUBSCRIBE_METHOD = "userDataStream.subscribe.signature", "userDataStream.unsubscribe"
Clock = Callable[[], int]


def parameter_texts(given: object) -> dict[str, str]:
    """Return the parameters as text, as they are signed."""
    if not isinstance(given, dict):
        return {}
    return {str(name): str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}


class Request(NamedTuple):
    """One request as it came; `operation` is None for the two subscriptions."""

    number: object
    method: str
    parameters: dict[str, str]
    operation: Operation | None

    @property
    def name(self) -> str:
        """Return what faults call it."""
        return self.operation.handler.__name__ if self.operation else SUBSCRIBE


class SocketApi:
    """The endpoint `/ws-api/v3`."""

    def __init__(self, venue: Venue, gate: Gate, hub: Hub, faults: ReplyFaults, turn_clock: Clock) -> None:
        """Serve a venue; `turn_clock` brings the market's clock up to now and returns it."""
        self._venue, self._gate, self._hub, self._faults = venue, gate, hub, faults
        self._turn_clock = turn_clock
        self._subscriptions = itertools.count()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one socket."""
        session = Session(request, "api")
        await converse(self._hub, request, session, lambda text: self._hear(session, text))
        return session.socket

    def _hear(self, session: Session, text: str) -> None:
        """Read a request and answer it, or do what a fault says."""
        number: object = None
        try:
            given = json.loads(text)
            number = given.get("id") if isinstance(given, dict) else None
            request = _read(given, number)
        except json.JSONDecodeError:
            self._say(session, self._reply(None, 400, "error", {"code": -1135, "msg": "Invalid JSON Request"}))
        except Refusal as refusal:
            self._say(session, self._reply(number, refusal.status, "error", refusal.body()))
        else:
            fault = self._faults.meet(request.name)
            if fault is None:
                self._say(session, self._answer(session, request))
            else:
                self._err(session, request, fault)

    def _err(self, session: Session, request: Request, fault: ReplyFault) -> None:
        answer = self._answer(session, request) if fault.after else None
        match fault:
            case Delay():
                late = partial(self._late, session, request, answer)
                asyncio.get_running_loop().call_later(fault.seconds, late)
            case Cut():
                session.cut()
            case Html():
                self._say(session, page(fault))
            case Error():
                said = refusal(fault, self._turn_clock())
                self._say(session, self._reply(request.number, said.status, "error", said.body()))

    def _late(self, session: Session, request: Request, answer: str | None) -> None:
        if session in self._hub.sessions:
            self._say(session, self._answer(session, request) if answer is None else answer)

    def _say(self, session: Session, text: str) -> None:
        self._hub.deliver(session, "reply", text)

    def _answer(self, session: Session, request: Request) -> str:
        limits = request.parameters.get("returnRateLimits") != "false"
        try:
            result = self._result(session, request)
            return self._reply(request.number, 200, "result", result, limits)
        except Refusal as refused:
            return self._reply(request.number, refused.status, "error", refused.body(), limits)

    def _result(self, session: Session, request: Request) -> Any:
        now_ns = self._turn_clock()
        if request.method == UNSUBSCRIBE_METHOD:
            session.user.clear()
            return {}
        self._admit(request.operation, request.parameters, now_ns)
        if request.operation is None:
            return {"subscriptionId": self._subscribe(session)}
        return request.operation.handler(self._venue, request.parameters)

    def _admit(self, operation: Operation | None, parameters: dict[str, str], now_ns: int) -> None:
        self._gate.admit(now_ns, operation.weight if operation else 2)
        if operation is None or operation.signed:
            self._gate.check_signed(parameters.get("apiKey", ""), socket_payload(parameters), parameters, now_ns)
        if operation is not None and operation.is_order:
            self._gate.admit_order(now_ns)

    def _subscribe(self, session: Session) -> int:
        number = next(self._subscriptions)
        session.user[number] = lambda event: f'{{"subscriptionId":{number},"event":{event}}}'
        return number

    def _reply(self, number: object, status: int, key: str, value: Any, limits: bool = True) -> str:
        body = value if isinstance(value, Raw) else json.dumps(value, separators=(",", ":"))
        tail = f',"rateLimits":{json.dumps(self._counts())}' if limits else ""
        return f'{{"id":{json.dumps(number)},"status":{status},"{key}":{body}{tail}}}'

    def _counts(self) -> list[dict[str, Any]]:
        used = (self._gate.weight.used, self._gate.orders_10s.used, self._gate.orders_day.used)
        limits = rate_limits(self._venue.market)
        return [limit | {"count": count} for limit, count in zip(limits, used, strict=True)]


def _read(given: object, number: object) -> Request:
    """Read a request's frame; Refusal when it names no method that exists."""
    if not isinstance(given, dict) or not isinstance(given.get("method"), str):
        raise Refusal(-1102, "Mandatory parameter 'method' was not sent, was empty/null, or malformed.")
    method, operation = given["method"], SOCKET.get(given["method"])
    if operation is None and method not in (SUBSCRIBE_METHOD, UNSUBSCRIBE_METHOD):
        raise Refusal(-1000, f"Unknown method '{method}'.")
    return Request(number, method, parameter_texts(given.get("params")), operation)
