"""The demo's market: a simulated past, and the paper venue that goes on where it stopped."""

import os
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final

from flows import paper, platform, processes
from flows.settings import Settings, load_settings
from strategy.errors import Failed
from strategy.kernel.sources import POLICY_PATH

_CODE: Final = ("MICROVOL_JIT_CACHE", POLICY_PATH)


def own_settings(file: Path) -> Settings:
    """Make `file` the only settings of this process and of everything it starts; what code it runs is no setting."""
    for name in [name for name in os.environ if name.startswith("MICROVOL_") and name not in _CODE]:
        del os.environ[name]
    os.environ["MICROVOL_CONFIG"] = str(file)
    return load_settings()


def simulate(settings: Settings, hours: float, say: Callable[[str], None]) -> Decimal:
    """Write the hours before now as segments, by the market of the paper venue; return its last price."""
    from strategy.live.segment import SegmentWriter
    from strategy.venues.paper.config import PaperConfig
    from strategy.venues.paper.history import write_history

    config = PaperConfig(
        symbol=settings.symbol, seed=settings.paper.seed, start_price=Decimal(settings.paper.start_price)
    )
    end_ns = time.time_ns()
    last_said = time.monotonic()

    def progress(share: float) -> None:
        nonlocal last_said
        if time.monotonic() - last_said >= 5:
            last_said = time.monotonic()
            say(f"simulated {share * hours:.1f} of {hours:g} h")

    with SegmentWriter(settings.layout.segments(settings.venue, settings.symbol)) as writer:
        end = write_history(writer.write, config, end_ns - int(hours * 3600e9), end_ns, progress)
    return end.last_price


def start_paper(settings: Settings, name: str, price: Decimal, timeout_s: float = 30.0) -> None:
    """Start the paper venue at a price and wait until it answers."""
    again = settings.model_copy(update={"paper": settings.paper.model_copy(update={"start_price": float(price)})})
    processes.start(settings.home, name, paper.command(again, paper.Choice(seed=settings.paper.seed + 1)), {})
    deadline = time.monotonic() + timeout_s
    while not platform.answers(f"{settings.venue_table('paper').rest_url}/api/v3/ping"):
        if time.monotonic() > deadline or processes.running(settings.home, name) is None:
            raise Failed(f"the paper venue did not start; see {processes.run_folder(settings.home) / name}.log")
        time.sleep(0.1)
