"""Flow: the recalibration that nobody watches."""

from typing import Any, Literal

from prefect import flow

from flows import log
from flows.calibrate import calibrate
from flows.forms import Symbol, Trials, Venue
from flows.ingest import ingest
from flows.platform import prefect_answers
from flows.promote import promote
from flows.report import report
from flows.runner import inside
from flows.settings import Settings, load_settings
from strategy.errors import Failed

Mode = Literal["auto", "ask", "dry-run"]


@flow
def nightly(
    trials: Trials | None = None, venue: Venue | None = None, symbol: Symbol | None = None, mode: Mode | None = None
) -> dict[str, Any]:
    """Ingest, calibrate, promote a version in whose way no gate is, as the mode says, report on yesterday.

    Args:
        trials: Trials of the study; default from the settings.
        venue: Default from the settings.
        symbol: BASE/QUOTE; default from the settings.
        mode: auto promotes, ask waits for an operator's answer, dry-run promotes nobody; default from the settings.
    """
    place = {"venue": venue, "symbol": symbol}
    settings = load_settings(**place)
    inside(ingest)
    found = inside(calibrate, trials=trials, **place)
    outcome = decided(settings, mode or settings.promotion.mode, found)
    page = inside(report, **place)
    promoted = outcome == "promoted"
    facts = {"version": found["version"], "promoted": promoted, "gates": found["gates"], "outcome": outcome}
    return facts | {"page": page["path"]}


def decided(settings: Settings, mode: Mode, found: dict[str, Any]) -> str:
    """Do with a judged version what the mode says, and return what was done."""
    version, gates = found["version"], found["gates"]
    reason = f"nightly: gates {gates}"
    if not found["passed"]:
        outcome = "blocked by its gates"
    elif mode == "auto":
        inside(promote, version=version, reason=reason, venue=settings.venue, symbol=settings.symbol)
        outcome = "promoted"
    elif mode == "dry-run":
        outcome = "dry run: it would have been promoted"
    else:
        outcome = f"asked: run {asked(settings, version, reason)}"
    log.say("decided", version=version, gates=gates, outcome=outcome)
    return outcome


def asked(settings: Settings, version: int, reason: str) -> str:
    """Start the run that asks an operator, and return its id."""
    from flows import prefect_api

    if not prefect_answers(settings):
        raise Failed(
            f"promotion.mode is ask, and no Prefect server at {settings.prefect_url} can ask for version {version}"
        )
    parameters = {"version": version, "reason": reason, "venue": settings.venue, "symbol": settings.symbol}
    deployment = prefect_api.deployment_id(settings, "approve")
    return prefect_api.start_run(settings, deployment, parameters, f"version {version}")
