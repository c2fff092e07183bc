"""A broker in memory: the port's fake. Answers are scripted by `place_answers`, `cancel_answers` and `takable_lots`."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

from strategy.kernel.records import BUY
from strategy.policies.document import Instrument
from strategy.venues.later import Later
from strategy.venues.ports import Balance, OrderReport, OrderRequest, OwnEvent, OwnFill

INSTRUMENT = Instrument(
    venue="paper",
    symbol="BTC/FDUSD",
    tick_size="0.01000000",
    lot_size="0.00001000",
    min_qty="0.00001000",
    min_notional="5.00000000",
)


class FakeBroker:
    """Orders rest until cancelled or filled; an answer may be an exception, raised after or instead of acting.

    An `ioc` fills for what is left of `takable_lots` and ends.
    """

    def __init__(self) -> None:
        self.orders: dict[str, OrderReport] = {}
        self.executions: list[OwnFill] = []
        self.place_answers: list[Exception | None] = []
        self.cancel_answers: list[Exception | None] = []
        self.lost_requests: set[str] = set()  # these never reach the venue
        self.calls: list[str] = []
        self.requests: dict[str, OrderRequest] = {}
        self.takable_lots = 0
        self.names_executions = False  # in the replies to orders
        self.stream: asyncio.Queue[OwnEvent | None] = asyncio.Queue()
        self.held = Balance(10_000.0, 1e12)
        self.gate = asyncio.Event()
        self.gate.set()

    async def instrument(self) -> Instrument:
        return INSTRUMENT

    def place(self, request: OrderRequest) -> Later[OrderReport]:
        return Later(partial(self._place, request))

    async def _place(self, request: OrderRequest) -> OrderReport:
        self.calls.append(f"place {request.client_id}")
        await self.gate.wait()
        answer = self.place_answers.pop(0) if self.place_answers else None
        if answer is not None and request.client_id in self.lost_requests:
            raise answer
        report = OrderReport(request.client_id, "open", request.side, request.price_ticks, request.qty_lots, 0, 1)
        self.orders[request.client_id] = report
        self.requests[request.client_id] = request
        if request.kind == "ioc":
            self._take(request)
        if answer is not None:
            raise answer
        fills = [fill for fill in self.executions if fill.client_id == request.client_id]
        return replace(self.orders[request.client_id], fills=tuple(fills if self.names_executions else ()))

    def _take(self, request: OrderRequest) -> None:
        lots = min(request.qty_lots, self.takable_lots)
        self.takable_lots -= lots
        if lots:
            self.execute(request.client_id, lots)
        if lots < request.qty_lots:
            self.orders[request.client_id] = replace(self.orders[request.client_id], status="cancelled")

    async def cancel(self, client_id: str) -> OrderReport:
        self.calls.append(f"cancel {client_id}")
        await self.gate.wait()
        answer = self.cancel_answers.pop(0) if self.cancel_answers else None
        if answer is not None:
            raise answer
        known = self.orders.get(client_id)
        if known is None or known.status != "open":
            return OrderReport(client_id, "missing", 0, 0, 0, 0, 0)
        self.orders[client_id] = replace(known, status="cancelled")
        return self.orders[client_id]

    async def cancel_all(self) -> int:
        resting = await self.open_orders()
        for report in resting:
            await self.cancel(report.client_id)
        return len(resting)

    async def order(self, client_id: str) -> OrderReport:
        self.calls.append(f"order {client_id}")
        return self.orders.get(client_id) or OrderReport(client_id, "missing", 0, 0, 0, 0, 0)

    async def open_orders(self) -> list[OrderReport]:
        return [report for report in self.orders.values() if report.status == "open"]

    async def fills(self, since_trade_id: int) -> list[OwnFill]:
        self.calls.append(f"fills {since_trade_id}")
        return [fill for fill in self.executions if fill.trade_id > since_trade_id]

    async def balance(self) -> Balance:
        return self.held

    async def own_events(self) -> AsyncIterator[OwnEvent]:
        while (event := await self.stream.get()) is not None:
            yield event

    def renew_stream(self, reason: str) -> None:
        self.calls.append(f"renew: {reason}")

    async def rehearsal(self) -> None:
        return None

    async def close(self) -> None:
        self.stream.put_nowait(None)

    def execute(self, client_id: str, qty_lots: int) -> OwnFill:
        """Fill part of a resting order and return the execution, as REST tells it."""
        known = self.orders[client_id]
        filled = known.filled_lots + qty_lots
        status = "filled" if filled == known.qty_lots else known.status
        self.orders[client_id] = replace(known, filled_lots=filled, status=status)
        fill = OwnFill(
            trade_id=len(self.executions) + 1,
            client_id=client_id,
            side=known.side or BUY,
            price_ticks=known.price_ticks,
            qty_lots=qty_lots,
            leaves_lots=-1,
            fee_base_lots=0.0,
            fee_quote_atoms=0.0,
            maker=client_id not in self.requests or self.requests[client_id].kind == "post_only",
            exch_ts=1,
        )
        self.executions.append(fill)
        return fill
