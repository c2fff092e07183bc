"""Which versions run in the shadow of a quoting process, and what is assumed of the venue that they trade on."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from flows import log
from flows.replay import replay_config
from flows.report import assumptions
from flows.settings import Settings
from strategy.errors import Failed
from strategy.live.simulation.assumptions import Assumptions, write_assumptions
from strategy.policies.document import ParameterDocument

if TYPE_CHECKING:
    from analytics.registry.registry import Registry
    from strategy.replay.run import ReplayConfig

CHALLENGER: Final = "challenger"  # aliases of the registry
CHAMPION: Final = "champion"


def challengers(
    registry: "Registry", settings: Settings, named: Sequence[int]
) -> Callable[[], Sequence[ParameterDocument]]:
    """Return what says which versions are to run in the shadow now: those named, else the registry's challenger.

    The champion is no shadow of itself. A version that does not exist is bad input at once.
    """
    place = (settings.venue, settings.symbol)
    for version in named:
        registry.document(*place, version)

    def wanted() -> list[ParameterDocument]:
        aliases = registry.aliases(*place)
        versions = named or [aliases[CHALLENGER]] if named or CHALLENGER in aliases else []
        return [registry.document(*place, each) for each in sorted(set(versions)) if each != aliases.get(CHAMPION)]

    return wanted


def assume(settings: Settings) -> Assumptions:
    """Write into the live folder what `[costs]` says of queue, fees and latency, and `[paper]` of the account."""
    assumed = Assumptions.of(_config(settings), settings.paper.base, settings.paper.quote)
    write_assumptions(settings.layout.live(settings.venue, settings.symbol), assumed)
    return assumed


def _config(settings: Settings) -> "ReplayConfig":
    """Return the config of a replay; recorded latencies are yesterday's. What is missing must not stop quoting."""
    try:
        return assumptions(settings, datetime.now(UTC).date() - timedelta(days=1))
    except Failed as error:
        log.say("shadow", taken="constants of [costs]", reason=str(error))
        return replay_config(settings)
