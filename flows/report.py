"""Flow: one day's report."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prefect import flow

from analytics.tape.line import Days
from flows import drift, log, rooms
from flows.fill_model import settled_model, with_fill_model
from flows.forms import Day, Symbol, Venue
from flows.latency import settled_on, with_line
from flows.replay import replay_config
from flows.runner import step
from flows.settings import Settings, load_settings
from strategy.errors import Failed
from strategy.live.layout import slug

if TYPE_CHECKING:
    from analytics.report.report import ReportResult
    from strategy.replay.driver import ReplayConfig


@flow
def report(
    day: Day | None = None, venue: Venue | None = None, symbol: Symbol | None = None, act: bool = False
) -> dict[str, Any]:
    """Write the page of a UTC day, log its figures on the versions that were live, and say how far they drifted.

    Args:
        day: UTC, like 2026-01-31; default yesterday.
        venue: Default from the settings.
        symbol: BASE/QUOTE; default from the settings.
        act: Tell of drift and do what [drift] act says: the schedule's wish, of nobody who looks at an old day.
    """
    chosen = date.fromisoformat(day) if day else datetime.now(UTC).date() - timedelta(days=1)
    settings = load_settings(venue=venue, symbol=symbol)
    done = write_page(settings, chosen)
    publish(settings, done)
    facts = {name: value for name, value in asdict(done).items() if name != "summary"}
    acted = drift.act(settings, list(done.drifts)) if act else []
    return facts | {"drifts": [str(each) for each in done.drifts], "done": acted}


@step
def write_page(settings: Settings, day: date) -> "ReportResult":
    """Write one page under `<home>/report`."""
    from analytics.report.report import write_report

    out, assumed = settings.home / "report", assumptions(settings, day)
    with rooms.lake(settings) as lake:
        registry, place = rooms.registry(settings), (settings.venue, settings.symbol)
        done = write_report(lake, registry, settings.layout, *place, day, out, assumed, settings.drift)
    log.say("reported", day=day, page=done.path)
    return done


def publish(settings: Settings, done: "ReportResult") -> None:
    """Put the day's figures on the flow run's page, with the way to the whole one; outside of a run there is none."""
    from prefect.context import FlowRunContext

    if FlowRunContext.get() is None:
        return
    from prefect.artifacts import create_markdown_artifact

    key = f"report-{settings.venue}-{slug(settings.symbol)}".lower().replace("_", "-")
    create_markdown_artifact(done.summary, key=key, description=f"{settings.symbol} on {settings.venue}, {done.day}")


def assumptions(settings: Settings, day: date) -> "ReplayConfig":
    """Return what the replay beside a day assumes: `[costs] latency = "recorded"` is that day's own.

    A day without round trips, and a lake without a fill model yet, have their report all the same: what is missing is
    left at the constants of [costs], and that is logged.
    """
    config = replay_config(settings)
    try:
        config = with_fill_model(config, settings, settled_model(settings, None))
    except Failed as error:
        log.say("fill_model", day=day, taken="constants of [costs]", reason=str(error))
    try:
        return with_line(config, settings, settled_on(settings.costs.latency, Days(day, day)))[0]
    except Failed as error:
        log.say("latency", day=day, taken="fill model or constants of [costs]", reason=str(error))
        return config
