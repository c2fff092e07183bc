"""From what is said of a line (`--latency`, `[costs] latency`) to the latencies of a replay."""

from dataclasses import replace
from typing import TYPE_CHECKING

from analytics.tape.line import Constant, Days, Recorded, read_line
from flows import rooms
from flows.settings import Settings

if TYPE_CHECKING:
    from analytics.tape.latencies import RoundTrips
    from strategy.replay.driver import ReplayConfig


def settled(said: str, window: tuple[int, int]) -> str:
    """Return what was said with its days named: those of a window of receive time (ns, both ends inclusive)."""
    return settled_on(said, Days.within(*window))


def settled_on(said: str, days: Days) -> str:
    """Return what was said with its days named, by default these."""
    return str(Recorded(days)) if said and read_line(said) == Recorded() else said


def with_line(config: "ReplayConfig", settings: Settings, said: str) -> tuple["ReplayConfig", "RoundTrips | None"]:
    """Return a config with the latencies that were said, and the round trips they were drawn from.

    `said` is settled; where it is empty the config's own latencies stay. Failed where the days have no round trips.
    """
    line = read_line(said) if said else None
    if line is None:
        return config, None
    if isinstance(line, Constant):
        constant = replace(config, entry_latency_ns=line.entry_ns, response_latency_ns=line.response_ns)
        return replace(constant, latencies=None), None
    from analytics.tape.latencies import round_trips

    assert line.days is not None
    with rooms.lake(settings, read_only=True) as lake:
        found = round_trips(lake, settings.venue, settings.symbol, line.days)
    return replace(config, latencies=found.drawn(settings.costs.latency_seed)), found
