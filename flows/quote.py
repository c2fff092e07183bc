"""Flow: the supervised quoting process."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from prefect import flow

from flows import canary, clearance, log, rooms
from flows.markets import markets as named
from flows.settings import Settings, load_settings
from flows.shadow import assume, challengers
from strategy.errors import BadInput, Failed
from strategy.live import doors
from strategy.live.carrier import Carrier
from strategy.venues.settings import VenueConfig


@flow
def quote(
    seconds: float | None = None,
    allow_foreign: bool = False,
    venue: str | None = None,
    symbol: str | None = None,
    shadow: list[int] | None = None,
    i_understand: bool = False,
    markets: list[str] | None = None,
) -> dict[str, Any]:
    """Quote with the champion until stopped; a promotion reaches the process while it runs.

    Versions in its `shadow` (default the challenger) trade beside it on paper. Real money needs `i_understand`, and a
    doctor without complaint. `markets` are `VENUE:BASE/QUOTE` or `BASE/QUOTE`, quoted by one process, each with its own
    champion; without them it is `symbol` at `venue`.
    """
    from flows.supervised import holding, supervise
    from strategy.live.command import refuse_shared_assets
    from strategy.live.supervisor import Supervisor

    quoted = named(load_settings(venue=venue, symbol=symbol), markets or [])
    first, *others = quoted
    if shadow and others:
        raise BadInput(f"--shadow names versions of one market, and {len(quoted)} are quoted: leave it out")
    for each in quoted:
        clearance.require(each, i_understand)
    venues = [rooms.venue(each, trading=True) for each in quoted]
    if not allow_foreign:
        refuse_shared_assets(venues)
    carriers = _carriers(quoted, venues, shadow or [])
    supervisor = Supervisor.quote(venues, first.layout, carriers, options(first, allow_foreign))
    with ExitStack() as held:
        for each in others:
            held.enter_context(holding(each, "quote"))
        with _trials_watched(quoted):
            supervise(first, "quote", supervisor, seconds)
    return facts(first) if not others else {f"{each.venue} {each.symbol}": _told(each) for each in quoted}


def _carriers(quoted: Sequence[Settings], venues: Sequence[VenueConfig], shadow: Sequence[int]) -> list[Carrier]:
    """Return what brings each market's champion to its process; Failed when one has none."""
    os.environ.update({"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"})
    found = [_carrier(each, venue, shadow) for each, venue in zip(quoted, venues, strict=True)]
    # from here on a registry that does not answer must not keep the supervisor from watching its child
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "2"
    return found


def _carrier(settings: Settings, venue: VenueConfig, shadow: Sequence[int]) -> Carrier:
    registry, place = rooms.registry(settings), (settings.venue, settings.symbol)
    first = registry.champion(*place)
    if first is None:
        raise Failed(f"{settings.symbol} on {settings.venue} has no champion: calibrate and promote first")
    assume(settings)
    log.say("quoting", venue=settings.venue, symbol=settings.symbol, version=first.version)
    return Carrier(
        settings.layout,
        venue,
        champion=lambda: registry.champion(*place),
        challengers=challengers(registry, settings, shadow),
    )


@contextmanager
def _trials_watched(quoted: Sequence[Settings]) -> Iterator[None]:
    """Watch what is on trial while the block runs, a thread for each market."""
    done = threading.Event()
    watching = [threading.Thread(target=canary.watch, args=(each, done), name="canary") for each in quoted]
    for thread in watching:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in watching:
            thread.join()


def options(settings: Settings, allow_foreign: bool) -> tuple[str, ...]:
    """Return the hard limits as options of the quoting process."""
    limits = settings.live.model_dump(exclude={"acknowledge_seconds"})
    given = [part for name, value in limits.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    return (*given, "--allow-foreign") if allow_foreign else tuple(given)


def facts(settings: Settings) -> dict[str, Any]:
    """Return what the quoting process last said of itself."""
    last = doors.read_status(settings.layout, settings.venue, settings.symbol)
    if last is None:
        return {"session": None}
    return last.model_dump(include={"session", "version", "events", "fills", "open_orders", "note"})


def _told(settings: Settings) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts(settings).items() if value != "")
