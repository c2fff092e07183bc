"""Flow: take what capture and the quoting processes wrote into the lake."""

from dataclasses import asdict
from typing import Any

from prefect import flow

from flows import log, rooms
from flows.runner import step
from flows.settings import load_settings


@flow
def ingest() -> dict[str, Any]:
    """Take in every finished line of segments, journals and audit files, each exactly once."""
    return take_in()


@step
def take_in() -> dict[str, Any]:
    """Ingest everything under home; the lake itself lets one writer in at a time."""
    from analytics.ingest import ingest as ingest_files

    settings = load_settings()
    with rooms.lake(settings) as lake:
        report = asdict(ingest_files(lake, settings.layout, progress=log.say))
    problems = report.pop("problems")
    for problem in problems:
        log.say("ingest problem", what=problem)
    taken = {"lines": report.pop("lines"), **report.pop("market"), **report, "problems": len(problems)}
    log.say("ingested", **taken)
    return taken
