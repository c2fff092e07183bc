"""Flow: one day's report."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prefect import flow

from analytics.tape.line import Days
from flows import drift, log, rooms
from flows.fill_model import settled_model, with_fill_model
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
    day: str | None = None, venue: str | None = None, symbol: str | None = None, act: bool = False
) -> dict[str, Any]:
    """Write the page of a UTC day (default yesterday) and log its metrics on the version that was live.

    With `act` a drift is told, and `[drift] act` is done: what the schedule wants of last night, and nobody who
    looks at a day of long ago.
    """
    chosen = date.fromisoformat(day) if day else datetime.now(UTC).date() - timedelta(days=1)
    settings = load_settings(venue=venue, symbol=symbol)
    done = write_page(settings, chosen)
    publish(settings, done)
    facts = {name: value for name, value in asdict(done).items() if name != "summary"}
    return (
        facts
        | {"drifts": [str(each) for each in done.drifts]}
        | {"done": drift.act(settings, list(done.drifts)) if act else []}
    )


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

    A day without round trips has its report all the same: it is replayed with the latencies of the fill model or the
    constants of [costs], and that is logged.
    """
    config = with_fill_model(replay_config(settings), settings, settled_model(settings, None))
    try:
        return with_line(config, settings, settled_on(settings.costs.latency, Days(day, day)))[0]
    except Failed as error:
        log.say("latency", day=day, taken="fill model or constants of [costs]", reason=str(error))
        return config
