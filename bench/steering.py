"""Measure how long a rollback takes, by command and from the Prefect page, to the quoting process's acknowledgement.

Real servers, worker, paper venue and quoting process on a home of their own; the champion goes to and fro between two
versions. By command it is the whole life of the command, from the page the time from request to acknowledgement.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from analytics.registry.registry import Registry
from flows.settings import ROOT, Settings
from tests.integration.platform_rig import own_home, running, start, until
from tests.integration.rig import Rig, close_quotes, rig_on, start_paper

SYMBOL = "BTC/FDUSD"


def quoted(settings: Settings, venue: Rig) -> None:
    """Have version 1 of two quoted by a run of the deployment."""
    registry, instrument = Registry(settings.mlflow_store), venue.ask(lambda broker: broker.instrument())
    for refresh_s in (2.0, 2.5):
        registry.register(close_quotes(instrument, 0, executor_refresh_time=refresh_s), None, "by hand", {})
    told = {"reason": "bench", "acknowledge": lambda document: "nobody quotes", "audit": lambda row: None}
    for version in (2, 1):
        registry.promote("paper", SYMBOL, version, override="a bench has no study", **told)
    start(settings, "quote")
    until(lambda: venue.quoting(1), "version 1 quotes", 180)


def by_command(venue: Rig, version: int) -> float:
    """Return how long the command took."""
    command = [sys.executable, "-m", "flows", "rollback", "--version", str(version), "--reason", "bench"]
    begun = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    took = time.monotonic() - begun
    assert venue.quoting(version, orders=0)
    return took


def from_page(settings: Settings, venue: Rig, version: int) -> float:
    """Return how long it took until the process quoted the version."""
    begun = time.monotonic()
    start(settings, "rollback", reason="bench", version=version, venue="paper", symbol=SYMBOL)
    until(lambda: venue.quoting(version, orders=0), f"version {version} quotes")
    return time.monotonic() - begun


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each rollback, both ways in turn."""
    with ExitStack() as held:
        home = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="microvol-steering-")))
        settings = held.enter_context(own_home(home))
        held.enter_context(start_paper(settings.ports.paper))
        held.enter_context(running(settings))
        venue = held.enter_context(rig_on(settings.ports.paper, home))
        quoted(settings, venue)
        found: dict[str, list[float]] = {"by command": [], "from the page": []}
        for _ in range(rounds):
            found["by command"].append(by_command(venue, 2))
            found["from the page"].append(from_page(settings, venue, 1))
        return found


def main() -> int:
    """Print them."""
    parser = argparse.ArgumentParser(prog="python -m bench.steering", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    for name, seconds in measure(parser.parse_args().rounds).items():
        each = ", ".join(f"{second:.2f}" for second in seconds)
        print(f"rollback {name}: median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s ({each})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
