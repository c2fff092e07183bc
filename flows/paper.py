"""The paper venue as a process of its own."""

import subprocess
import sys

from flows.settings import Settings
from strategy.errors import Failed


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


def serve(settings: Settings, port: int | None = None, seed: int | None = None) -> None:
    """Run the paper venue in the foreground until it is interrupted."""
    child = subprocess.Popen(command(settings, port, seed))
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            continue  # the terminal sent the child the same signal: it is about to end
        break
    if code != 0:
        raise Failed(f"the paper venue ended with exit code {code}")
