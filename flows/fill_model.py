"""From what is said of a fill model (`--fill-model`, `[costs] fill_model`) to what a replay assumes."""

from typing import TYPE_CHECKING, Final

from flows import rooms
from flows.settings import Settings

if TYPE_CHECKING:
    from strategy.replay.driver import ReplayConfig

NONE: Final = "none"


def settled_model(settings: Settings, said: str | None) -> int | None:
    """Return the version that `latest` or a number names now, None for `none`; unsaid is what the settings say."""
    named = settings.costs.fill_model if said is None else said
    if named == NONE:
        return None
    from analytics.fill_fit.model import settled_version

    with rooms.lake(settings, read_only=True) as lake:
        return settled_version(lake, settings.venue, settings.symbol, named)


def with_fill_model(config: "ReplayConfig", settings: Settings, version: int | None) -> "ReplayConfig":
    """Return a config with a version's queue and latencies; without one as it is."""
    if version is None:
        return config
    from analytics.fill_fit.model import load

    with rooms.lake(settings, read_only=True) as lake:
        model = load(lake, settings.venue, settings.symbol, version)
    return model.applied(config, settings.costs.latency_seed)
