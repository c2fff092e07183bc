"""Rehearsals of every market of a process, in turn and evenly in time; none of their troubles stops the quoting."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from strategy.live.rehearsal import Rehearsal
from strategy.policies.document import ParameterDocument
from strategy.venues.ports import Broker, Orderer

log = structlog.get_logger("rehearsal")

_IDLE_SECONDS: Final = 0.2  # while there is nothing to rehearse


@dataclass(slots=True)
class _Market:
    """What is rehearsed for one market; `document` says which version quotes by now."""

    symbol: str
    orders: Orderer
    folder: Path
    document: Callable[[], ParameterDocument]
    double: Rehearsal | None = None

    def walk(self) -> None:
        """Rehearse once, with the version that quotes by now."""
        document = self.document()
        if self.double is None or self.double.document is not document:
            self.end()
            self.double = Rehearsal(document, self.orders, self.folder)
        self.double.walk()

    def end(self) -> None:
        """Drop the double."""
        if self.double is not None:
            self.double.close()
            self.double = None


class Rehearsals:
    """The rehearsals of one process: one every so often, whatever the number of its markets."""

    def __init__(self, period_s: float) -> None:
        """Rehearse so often; 0 = never."""
        self._period_s = period_s
        self._markets: list[_Market] = []

    async def add(self, symbol: str, broker: Broker, folder: Path, document: Callable[[], ParameterDocument]) -> None:
        """Rehearse a market too, from now on; `folder` is where its journals are."""
        if not self._period_s:
            return
        try:
            orders = await broker.rehearsal()
        except OSError as error:
            log.warning("not rehearsed", symbol=symbol, error=str(error))
            return
        if orders is not None:
            self._markets.append(_Market(symbol, orders, folder, document))
            log.info("rehearsing", symbol=symbol, every_ms=round(self._period_s * 1e3))

    async def run(self) -> None:
        """Rehearse until cancelled; then everything is closed."""
        try:
            while True:
                await asyncio.sleep(self._period_s if self._markets else _IDLE_SECONDS)
                if self._markets:
                    await self._next(self._markets.pop(0))
        finally:
            for market in self._markets:
                market.end()
                await market.orders.close()

    async def _next(self, market: _Market) -> None:
        try:
            market.walk()
        except Exception as error:  # noqa: BLE001 (whatever it is, the real way is not touched by it)
            log.warning("no longer rehearsed", symbol=market.symbol, error=repr(error))
            market.end()
            await market.orders.close()
        else:
            self._markets.append(market)
