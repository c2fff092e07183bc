"""Flow: one day's report."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prefect import flow

from analytics.tape.line import Days
from flows import log, rooms
from flows.fill_model import settled_model, with_fill_model
from flows.latency import settled_on, with_line
from flows.replay import replay_config
from flows.runner import step
from flows.settings import Settings, load_settings
from strategy.errors import Failed

if TYPE_CHECKING:
    from strategy.replay.driver import ReplayConfig


@flow
def report(day: str | None = None, venue: str | None = None, symbol: str | None = None) -> dict[str, Any]:
    """Write the page of a UTC day (default yesterday) and log its metrics on the version that was live."""
    chosen = date.fromisoformat(day) if day else datetime.now(UTC).date() - timedelta(days=1)
    return write_page(chosen, venue, symbol)


@step
def write_page(day: date, venue: str | None, symbol: str | None) -> dict[str, Any]:
    """Write one page under `<home>/report`."""
    from analytics.report.report import write_report

    settings = load_settings(venue=venue, symbol=symbol)
    out, assumed = settings.home / "report", assumptions(settings, day)
    with rooms.lake(settings) as lake:
        registry, place = rooms.registry(settings), (settings.venue, settings.symbol)
        done = write_report(lake, registry, settings.layout, *place, day, out, replay=assumed)
    facts = asdict(done)
    log.say("reported", day=day, page=facts.get("path"))
    return facts


def assumptions(settings: Settings, day: date) -> "ReplayConfig":
    """Return what the replay beside a day assumes: `[costs] latency = "recorded"` is that day's own.

    A day without round trips has its report all the same: it is replayed with the latencies of the fill model or the
    constants of [costs], and that is logged.
    """
    config = with_fill_model(replay_config(settings), settings, settled_model(settings, None))
    try:
        return with_line(config, settings, settled_on(settings.costs.latency, Days(day, day)))[0]
    except Failed as error:
        log.say("latency", day=day, taken="fill model or constants of [costs]", reason=str(error))
        return config
