"""The REST endpoints under `/api/v3`, the legacy listen keys, and the venue's state for tests."""

import itertools
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from strategy.venues.paper.faults import read_fault
from strategy.venues.paper.gate import Gate, rest_payload
from strategy.venues.paper.grid import money_text, money_units
from strategy.venues.paper.hub import Hub
from strategy.venues.paper.operations import Raw, Venue
from strategy.venues.paper.parameters import text
from strategy.venues.paper.refusals import Refusal
from strategy.venues.paper.routes import REST, Operation

JSON = "application/json"


class RestApi:
    """Requests over HTTP."""

    def __init__(self, venue: Venue, gate: Gate, hub: Hub, turn_clock: Callable[[], int]) -> None:
        """Serve a venue; `turn_clock` brings the market's clock up to now and returns it."""
        self._venue, self._gate, self._hub, self._turn_clock = venue, gate, hub, turn_clock
        self._keys = itertools.count(1)
        self.listen_keys: set[str] = set()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request, refusals with the venue's code and status."""
        body = await request.text()
        try:
            result = self._result(request, body, self._turn_clock())
        except Refusal as refusal:
            return self._response(refusal.body(), refusal.status)
        return self._response(result, 200)

    async def state(self, request: web.Request) -> web.Response:
        """Answer `/admin/state`: the truth about the account, for tests and people on this machine."""
        market, now_ns = self._venue.market, self._turn_clock()
        account, reports = market.account, market.reports
        state = {
            "now_ns": now_ns,
            "symbol": market.config.symbol,
            "regime": market.weather.regime.name,
            "last_update_id": market.engine.book.update_id,
            "last_trade_id": market.engine.last_trade_id,
            "balances": {
                holding.asset: {"free": money_text(holding.free), "locked": money_text(holding.locked)}
                for holding in (account.base, account.quote)
            },
            "fees": {
                account.base.asset: money_text(account.fees_base),
                account.quote.asset: money_text(account.fees_quote),
            },
            "open_orders": [reports.order(order) for order in market.desk.open_orders()],
            "orders": len(market.desk.orders),
            "trades": reports.trades(market.desk.trades),
            "sessions": len(self._hub.sessions),
            "frames_sent": dict(self._hub.sent),
        }
        return web.Response(text=json.dumps(state), content_type=JSON)

    async def deposit(self, request: web.Request) -> web.Response:
        """Add `amount` of `asset` to the free balance (negative: withdraw) and tell the user stream."""
        self._turn_clock()
        try:
            amount = Decimal(request.query["amount"])
            self._venue.market.desk.deposit(request.query["asset"], money_units(amount))
        except (KeyError, ArithmeticError, ValueError):
            query = request.rel_url.query_string
            return self._response({"error": f"asset and amount do not name a possible deposit: {query!r}"}, 400)
        return self._response({}, 200)

    async def fault(self, request: web.Request) -> web.Response:
        """Make something go wrong on the public streams: `what` = close, abort, skip (count) or mute (seconds)."""
        try:
            what, stream, amount = read_fault(request.query)
        except ValueError as error:
            return self._response({"error": str(error)}, 400)
        if what == "skip":
            self._hub.faults.skip(stream, int(amount))
        elif what == "mute":
            self._hub.faults.mute(stream, amount)
        ended = await self._hub.hang_up(what == "abort") if what in ("close", "abort") else 0
        return self._response({"ended": ended}, 200)

    def _result(self, request: web.Request, body: str, now_ns: int) -> Any:
        path = request.match_info["path"]
        parameters = dict(request.query) | _form(body)
        key = request.headers.get("X-MBX-APIKEY", "")
        if path == "userDataStream":
            self._gate.admit(now_ns, 2)
            return self._listen_key(request.method, key, parameters)
        operation = REST.get((request.method, path))
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
        listen_key = text(parameters, "listenKey")
        if listen_key not in self.listen_keys:
            raise Refusal(-1125, "This listenKey does not exist.")
        if method == "DELETE":
            self.listen_keys.discard(listen_key)
        return {}

    def _response(self, result: Any, status: int) -> web.Response:
        body = result if isinstance(result, Raw) else json.dumps(result, separators=(",", ":"))
        headers = self._gate.headers() | ({"Retry-After": "10"} if status == 429 else {})
        return web.Response(text=str(body), status=status, content_type=JSON, headers=headers)


def _form(body: str) -> dict[str, str]:
    return dict(parse_qsl(body, keep_blank_values=True))
