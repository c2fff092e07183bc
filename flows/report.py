"""Flow: one day's report."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from prefect import flow

from flows import log, rooms
from flows.replay import replay_config
from flows.runner import step
from flows.settings import load_settings


@flow
def report(day: str | None = None, venue: str | None = None, symbol: str | None = None) -> dict[str, Any]:
    """Write the page of a UTC day (default yesterday) and log its metrics on the version that was live."""
    chosen = date.fromisoformat(day) if day else datetime.now(UTC).date() - timedelta(days=1)
    return write_page(chosen, venue, symbol)


@step
def write_page(day: date, venue: str | None, symbol: str | None) -> dict[str, Any]:
    """Write one page under `<home>/report`."""
    from analytics.report import write_report

    settings = load_settings(venue=venue, symbol=symbol)
    out = settings.home / "report"
    with rooms.lake(settings) as lake:
        registry, place = rooms.registry(settings), (settings.venue, settings.symbol)
        done = write_report(lake, registry, settings.layout, *place, day, out, replay=replay_config(settings))
    facts = asdict(done)
    log.say("reported", day=day, page=facts.get("path"))
    return facts
