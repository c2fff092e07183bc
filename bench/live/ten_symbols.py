"""Ten symbols in one process: the share of a core that they take."""

import tempfile
import time
from itertools import chain
from pathlib import Path
from typing import Final

import psutil

from bench.live.markets import symbols
from bench.live.processes import PIPED, VENUE_CORE, process, put_parameters, quoting
from bench.live.tick_to_order import WARM_S
from strategy.live.command import also
from strategy.live.doors import read_status
from strategy.live.layout import Layout
from strategy.venues.settings import paper_venue
from tests.integration.rig import wait_for

MARKETS: Final = 10
ALIVE: Final = 50  # events after which a symbol is under way


def side_by_side(seconds: float, rehearse_ms: int) -> tuple[float, float, float]:
    """Quote ten symbols in one process; return the share of a core that it takes, events a second, and MB."""
    with (
        tempfile.TemporaryDirectory() as folder,
        process(VENUE_CORE, "bench.live.markets", f"{MARKETS}", **PIPED) as venues,
    ):
        assert venues.stdout is not None
        home, urls = Path(folder), venues.stdout.readline().split()
        markets = [paper_venue(url, symbol) for url, symbol in zip(urls, symbols(MARKETS), strict=True)]
        for market in markets:
            put_parameters(home, market, {})
        further = chain.from_iterable(also(each) for each in markets[1:])
        with quoting(home, markets[0], *further, "--rehearse-ms", f"{rehearse_ms}") as running:
            states = [lambda each=each: read_status(Layout(home), each.name, each.symbol) for each in markets]
            wait_for(lambda: all((found := state()) and found.events > ALIVE for state in states), 180, "all quote")
            time.sleep(WARM_S)
            watched, before = psutil.Process(running.pid), [state().events for state in states]
            used, begun = sum(watched.cpu_times()[:2]), time.monotonic()
            time.sleep(seconds)
            share = (sum(watched.cpu_times()[:2]) - used) / (time.monotonic() - begun)
            events = sum(state().events for state in states) - sum(before)
            return share, events / seconds, watched.memory_info().rss / 1e6
