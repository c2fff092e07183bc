"""Flow: take what capture and the quoting processes wrote into the lake, and check it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from prefect import flow

from flows import checks, log, rooms
from flows.runner import step
from flows.settings import Settings, load_settings

if TYPE_CHECKING:
    from analytics.care.checked import Failure
    from analytics.lake.store import Lake


@flow
def ingest() -> dict[str, Any]:
    """Take in every finished line of segments, journals and audit files, each exactly once; check what came in.

    A check that fails is in the result, in the log and a Prefect event; what was taken in stays in the lake.
    """
    taken, failing = take_in_and_check()
    return taken | {"failures": [asdict(failure) for failure in failing]}


def take_in() -> dict[str, int]:
    """Ingest and check, and return how much of everything."""
    return take_in_and_check()[0]


@step
def take_in_and_check() -> "tuple[dict[str, int], list[Failure]]":
    """Ingest everything under home; the lake itself lets one writer in at a time."""
    from analytics.care.checked import failures_since, lake_clock
    from analytics.ingest.ingest import ingest as ingest_files

    settings = load_settings()
    with rooms.lake(settings) as lake:
        since = lake_clock(lake)
        _say_lag("lag found", lake, settings)
        report = asdict(ingest_files(lake, settings.layout, progress=log.say))
        _say_lag("lag left", lake, settings)
        failing = failures_since(lake, since)
    problems = report.pop("problems")
    for problem in problems:
        log.say("ingest problem", what=problem)
    taken = {"lines": report.pop("lines"), **report.pop("market"), **report, "problems": len(problems)}
    log.say("ingested", **taken, failing_checks=len(failing))
    checks.tell(settings, failing)
    return taken, failing


def _say_lag(what: str, lake: "Lake", settings: Settings) -> None:
    """Say of every market how far the lake is behind its segments."""
    from analytics.care.lag import lags

    for lag in lags(lake, settings.layout):
        log.say(what, **asdict(lag))
