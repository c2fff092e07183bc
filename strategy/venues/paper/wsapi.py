"""The WS API: requests over one socket, and the user stream that rides on it after a signed subscription."""

import itertools
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from strategy.venues.paper.gate import Gate, socket_payload
from strategy.venues.paper.hub import Hub, Session
from strategy.venues.paper.listing import rate_limits
from strategy.venues.paper.operations import Raw, Venue
from strategy.venues.paper.refusals import Refusal
from strategy.venues.paper.routes import SOCKET, Operation
from strategy.venues.paper.streams import converse

SUBSCRIBE, UNSUBSCRIBE = "userDataStream.subscribe.signature", "userDataStream.unsubscribe"
Clock = Callable[[], int]


def parameter_texts(given: object) -> dict[str, str]:
    """Return the parameters as text, as they are signed."""
    if not isinstance(given, dict):
        return {}
    return {str(name): str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}


class SocketApi:
    """The endpoint `/ws-api/v3`."""

    def __init__(self, venue: Venue, gate: Gate, hub: Hub, turn_clock: Clock) -> None:
        """Serve a venue; `turn_clock` brings the market's clock up to now and returns it."""
        self._venue, self._gate, self._hub, self._turn_clock = venue, gate, hub, turn_clock
        self._subscriptions = itertools.count()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one socket."""
        session = Session(request, combined=False)
        await converse(self._hub, request, session, lambda text: self._answer(session, text))
        return session.socket

    def _answer(self, session: Session, text: str) -> str:
        number: object = None
        limits = True
        try:
            request = json.loads(text)
            if not isinstance(request, dict) or not isinstance(request.get("method"), str):
                raise Refusal(-1102, "Mandatory parameter 'method' was not sent, was empty/null, or malformed.")
            number = request.get("id")
            parameters = parameter_texts(request.get("params"))
            limits = parameters.get("returnRateLimits") != "false"
            result = self._result(session, request["method"], parameters)
            return self._reply(number, 200, "result", result, limits)
        except json.JSONDecodeError:
            return self._reply(None, 400, "error", {"code": -1135, "msg": "Invalid JSON Request"}, limits)
        except Refusal as refusal:
            return self._reply(number, refusal.status, "error", refusal.body(), limits)

    def _result(self, session: Session, method: str, parameters: dict[str, str]) -> Any:
        now_ns = self._turn_clock()
        if method == UNSUBSCRIBE:
            session.user.clear()
            return {}
        operation = SOCKET.get(method)
        if operation is None and method != SUBSCRIBE:
            raise Refusal(-1000, f"Unknown method '{method}'.")
        self._admit(operation, parameters, now_ns)
        if operation is None:
            return {"subscriptionId": self._subscribe(session)}
        return operation.handler(self._venue, parameters)

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

    def _reply(self, number: object, status: int, key: str, value: Any, limits: bool) -> str:
        body = value if isinstance(value, Raw) else json.dumps(value, separators=(",", ":"))
        tail = f',"rateLimits":{json.dumps(self._counts())}' if limits else ""
        return f'{{"id":{json.dumps(number)},"status":{status},"{key}":{body}{tail}}}'

    def _counts(self) -> list[dict[str, Any]]:
        used = (self._gate.weight.used, self._gate.orders_10s.used, self._gate.orders_day.used)
        limits = rate_limits(self._venue.market)
        return [limit | {"count": count} for limit, count in zip(limits, used, strict=True)]
