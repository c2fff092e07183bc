"""The plain loop: `python -m bench.live.plain URL`, ccxt's own `watch_order_book` and then `create_order`."""

import asyncio
import sys

from bench.live.pulse import ENOUGH, SYMBOL
from tests.conformance.venue_process import wired

QTY, AWAY = 0.001, 20.0  # base units, quote units from the best price


async def trade(url: str) -> None:
    """Place a bid whenever there is depth, cancel it when that has gone; for ever."""
    import ccxt.pro

    exchange = wired(ccxt.pro.binance, url)
    order: str | None = None
    try:
        while True:
            book = await exchange.watch_order_book(SYMBOL)
            deep = sum(level[1] for level in book["bids"][:10]) >= ENOUGH
            if deep and order is None:
                price = book["bids"][0][0] - AWAY
                order = (await exchange.create_order(SYMBOL, "limit", "buy", QTY, price, {"postOnly": True}))["id"]
            elif not deep and order is not None:
                await exchange.cancel_order(order, SYMBOL)
                order = None
    finally:
        await exchange.close()


if __name__ == "__main__":
    asyncio.run(trade(sys.argv[1]))
