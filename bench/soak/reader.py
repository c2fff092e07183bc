"""A notebook that asks all the time: `python -m bench.soak.reader SECONDS VENUE:SYMBOL…`; prints how often it asked.

Every answer is of one snapshot of the lake: nothing that was there is ever gone, and no book is crossed.
"""

import sys
import time

import polars as pl

from analytics.research import Research

WINDOW_NS = 20_000_000_000
PATIENCE_S = 300.0  # recorders take in the last of it when they end


def ask(research: Research, venue: str, symbol: str, seen: int) -> int:
    """Ask for trades and the newest books of a market; return how many trades there are, at least `seen`."""
    trades = research.trades(venue, symbol)
    assert len(trades) >= seen, f"{venue} {symbol}: {len(trades)} trades, there were {seen}"
    held = research.coverage().filter(venue=venue, symbol=symbol)
    if len(held):
        last_ns = int(held["last_ts"].dt.epoch("ns")[0])
        top = research.top(venue, symbol, last_ns - WINDOW_NS, last_ns, levels=5, every=None)
        crossed = top.filter(pl.col("bid_price_1") >= pl.col("ask_price_1"))
        assert crossed.is_empty(), f"{venue} {symbol}: crossed at {crossed['ts'][0]}"
    return len(trades)


def main() -> None:
    """Ask about every market that the lake knows until the time is over and each was seen."""
    markets = [name.partition(":")[::2] for name in sys.argv[2:]]
    until, asked, seen = time.monotonic() + float(sys.argv[1]), 0, dict.fromkeys(markets, 0)
    with Research() as research:
        while time.monotonic() < until or not all(seen.values()):
            assert time.monotonic() < until + PATIENCE_S, f"never saw a trade of every market: {seen}"
            known = set(research.coverage().select("venue", "symbol").rows())
            for market in known.intersection(markets):
                seen[market] = ask(research, *market, seen[market])
                asked += 1
    print(asked)


if __name__ == "__main__":
    main()
