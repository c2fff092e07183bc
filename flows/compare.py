"""Two versions or runs side by side, replayed over the same window of the lake."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from flows import console, rooms
from flows.replay import Request, Window, load, over
from flows.settings import Settings
from strategy.errors import Failed
from strategy.live.layout import slug

if TYPE_CHECKING:
    from analytics.report.comparison import Compared

DAY_NS: Final = 86_400 * 10**9


def compare(settings: Settings, named: tuple[str, str], request: Request) -> "Compared":
    """Read what two names mean and replay both over a window, by default the newest day that the lake holds."""
    from analytics.report.comparison import Compared
    from analytics.report.replayed import Replayed
    from analytics.report.sides import side
    from strategy.replay.driver import replay_many

    registry, place = rooms.registry(settings), (settings.venue, settings.symbol)
    with rooms.lake(settings, read_only=True) as lake:
        first, second = (side(registry, lake, place, each) for each in named)
    with console.waiting(f"loading {settings.symbol}"):
        tape, info = load(settings, request.window)
    config, trips = over(settings, request, info)
    with console.waiting("replaying"):
        results = list(replay_many(tape, info, [first.parameters, second.parameters], config))
    replays = (
        Replayed(each.name, each.parameters, config, tape, info, result, trips)
        for each, result in zip((first, second), results, strict=True)
    )
    return Compared((first, second), (next(replays), next(replays)))


def newest_day(settings: Settings) -> Window:
    """Return the last day that the lake holds of the market, to its end."""
    from analytics.care.coverage import span

    with rooms.lake(settings, read_only=True) as lake:
        held = span(lake, settings.venue, settings.symbol)
    if held is None:
        raise Failed(f"the lake holds nothing of {settings.symbol} on {settings.venue}: record or import it first")
    return held[1] - DAY_NS, None


def page_of(settings: Settings, named: tuple[str, str]) -> Path:
    """Return where a comparison's page goes by default; the same two go to the same place."""
    place = f"{settings.venue}-{slug(settings.symbol)}"
    return settings.home / "compare" / f"{place}-{'-'.join(each[:12] for each in named)}.html"


def write(found: "Compared", path: Path) -> None:
    """Write the page."""
    from analytics.report.comparison import render
    from strategy.policies.document import write_atomically

    try:
        write_atomically(path, render(found).encode())
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror or error}") from error
