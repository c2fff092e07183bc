"""The paper venue as a process of its own."""

import os
import sys
from typing import NoReturn

from flows.settings import Settings


def command(settings: Settings, port: int | None = None, seed: int | None = None) -> list[str]:
    """Return the command line of the paper venue that the settings describe."""
    paper = settings.paper
    given = {
        "--port": settings.ports.paper if port is None else port,
        "--symbol": settings.symbol,
        "--seed": paper.seed if seed is None else seed,
        "--start-price": paper.start_price,
        "--base": paper.base,
        "--quote": paper.quote,
        "--maker-fee-bps": paper.maker_fee_bps,
    }
    options = [part for name, value in given.items() for part in (name, str(value))]
    return [sys.executable, "-m", "strategy.venues.paper", *options]


def serve(settings: Settings, port: int | None = None, seed: int | None = None) -> NoReturn:
    """Become the paper venue: signals then reach it and nothing else."""
    sys.stdout.flush()
    os.execv(sys.executable, command(settings, port, seed))
