"""The admin endpoint: the truth about the account, deposits and faults, on a port of its own.

It has no key of its own and makes a venue misbehave, so it listens on loopback alone, answers nobody who names another
host (a browser that was led here), and does not exist in a process that holds the credentials of a real venue.
"""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from aiohttp import web

from strategy.errors import BadInput
from strategy.venues.paper.door import HOST
from strategy.venues.paper.faults.menu import Fault, menu, read_fault
from strategy.venues.paper.futures.positions import FuturesAccount
from strategy.venues.paper.futures.reports import FuturesReports
from strategy.venues.paper.grid import money_text, money_units
from strategy.venues.paper.operations import Venue

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Admin:
    """What the admin endpoint answers; `carry_out` makes a fault happen and returns how many connections it ended."""

    def __init__(
        self, venue: Venue, describe: Callable[[], dict[str, Any]], carry_out: Callable[[Fault], Awaitable[int]]
    ) -> None:
        """Speak of a venue; `describe` adds what the server knows to the state."""
        self._venue, self._describe, self._carry_out = venue, describe, carry_out

    def application(self) -> web.Application:
        """Return the routes."""
        application = web.Application(middlewares=[_only_loopback])
        application.router.add_get("/admin/state", self.state)
        application.router.add_get("/admin/faults", self.faults)
        application.router.add_post("/admin/deposit", self.deposit)
        application.router.add_post("/admin/fault", self.fault)
        return application

    async def state(self, request: web.Request) -> web.Response:
        """Answer with the truth about account and market."""
        served, market = self._describe(), self._venue.market
        account, reports = market.account, market.reports
        state = served | {
            "now_ns": market.engine.now_ns,
            "symbol": market.config.symbol,
            "regime": market.regime,
            "last_update_id": market.engine.book.update_id,
            "last_trade_id": market.engine.last_trade_id,
            "balances": {
                holding.asset: {"free": money_text(holding.free), "locked": money_text(holding.locked)}
                for holding in account.holdings()
            },
            "fees": {asset: money_text(units) for asset, units in account.fees().items()},
            "open_orders": [reports.order(order) for order in market.desk.open_orders()],
            "orders": len(market.desk.orders),
            "trades": reports.trades(market.desk.trades),
        }
        if isinstance(account, FuturesAccount) and isinstance(reports, FuturesReports):
            state["positions"] = [reports.risk(position, market.engine.now_ns) for position in account.shown()]
        return _reply(state)

    async def faults(self, request: web.Request) -> web.Response:
        """Answer with what can be made to go wrong."""
        return _reply([line._asdict() for line in menu()])

    async def deposit(self, request: web.Request) -> web.Response:
        """Add `amount` of `asset` to the free balance (negative: withdraw) and tell the user stream."""
        self._describe()
        try:
            amount = Decimal(request.query["amount"])
            self._venue.market.desk.deposit(request.query["asset"], money_units(amount))
        except (KeyError, ArithmeticError, ValueError):
            query = request.rel_url.query_string
            return _reply({"error": f"asset and amount do not name a possible deposit: {query!r}"}, 400)
        return _reply({})

    async def fault(self, request: web.Request) -> web.Response:
        """Make something go wrong; the query says what."""
        try:
            fault = read_fault(request.query)
        except BadInput as error:
            return _reply({"error": str(error)}, 400)
        return _reply({"ended": await self._carry_out(fault)})


@web.middleware
async def _only_loopback(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a request that a web page sent here: it names another host, or where it came from."""
    if request.url.host != HOST or "Origin" in request.headers:
        return _reply({"error": f"the admin endpoint answers {HOST} alone, this was {request.host}"}, 403)
    return await handler(request)


def _reply(body: Any, status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type="application/json")
