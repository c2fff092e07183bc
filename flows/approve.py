"""Flow: ask an operator whether a version that passed its gates is promoted; without an answer in time it is not."""

from typing import Any, Final

from prefect import flow
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from pydantic import Field

from flows import events, log, rooms
from flows.forms import Reason, Symbol, Venue, Version, Who
from flows.promote import move
from flows.settings import Settings, load_settings
from strategy.errors import BadInput
from strategy.live.audit_log import audit_writer
from strategy.live.layout import slug

COLUMNS: Final = ("gate", "verdict", "value", "threshold", "how they compare, and why")


class Answer(RunInput):
    """What the operator says, as a form on the run's page."""

    promote: bool = Field(description="Promote the version?")
    reason: Reason = Field(description="Why; kept in the audit.")
    who: Who = Field(description="Your name, for the audit.")


@flow
def approve(version: Version, reason: Reason, venue: Venue | None = None, symbol: Symbol | None = None) -> Any:
    """Show a version's gates and plots, wait for an operator's answer, and promote only on a yes in time.

    Args:
        version: The version that is asked about; it has to be the challenger still when the answer comes.
        reason: Why it is asked about.
        venue: Default from the settings.
        symbol: BASE/QUOTE; default from the settings.
    """
    settings = load_settings(venue=venue, symbol=symbol)
    if flow_run.run_count <= 1:  # a run that was suspended begins anew at its answer
        show(settings, version)
        ask(settings, version, reason)
    answer = suspend_flow_run(wait_for_input=Answer, timeout=int(settings.promotion.answer_hours * 3600), key="answer")
    if not answer.promote:
        return _declined(settings, version, answer)
    _still_wanted(settings, version)
    return move("promote", settings, version, f"{answer.reason} ({reason})", answer.who)


def ask(settings: Settings, version: int, reason: str) -> None:
    """Tell people that a version waits for an answer, and where."""
    page = f"{settings.prefect_url.removesuffix('/api')}/flow-runs/flow-run/{flow_run.id}"
    hours = f"{settings.promotion.answer_hours:g} hours to answer"
    events.alert(settings, "approval.wanted", version=version, value=reason, limit=hours, command=f"resume {page}")
    log.say("approval wanted", version=version, page=page)


def show(settings: Settings, version: int) -> None:
    """Put a version's gates, and its description with its study's plots, on the run's page."""
    from analytics.gates.verdicts import gate_rows, short

    registry, place = rooms.registry(settings), (settings.venue, settings.symbol)
    document, name = registry.document(*place, version), f"{settings.symbol} on {settings.venue}, version {version}"
    key = f"{settings.venue}-{slug(settings.symbol)}-{version}".lower().replace("_", "-")
    rows = [dict(zip(COLUMNS, map(short, row), strict=True)) for row in gate_rows(document)]
    create_table_artifact(rows, key=f"gates-{key}", description=f"Gates of {name}")
    text = registry.description(*place, version).replace("&emsp;", "")  # entities that MLflow's tables need
    plots = [(plot.replace("_", " "), url) for plot, url in registry.plots(*place, version)]
    # an image artifact prints its whole address under the picture, megabytes wide
    pictures = [f"**{title}**\n\n![{title}]({url})" for title, url in plots]
    create_markdown_artifact("\n\n".join([text, *pictures]), key=f"version-{key}", description=name)


def _still_wanted(settings: Settings, version: int) -> None:
    """Refuse an answer that came after a newer version."""
    challenger = rooms.registry(settings).aliases(settings.venue, settings.symbol).get("challenger")
    if challenger != version:
        raise BadInput(f"version {version} is no longer the challenger of {settings.symbol}, version {challenger} is")


def _declined(settings: Settings, version: int, answer: Answer) -> dict[str, Any]:
    place = {"venue": settings.venue, "symbol": settings.symbol, "what": "declined", "from_version": None}
    told = {"to_version": version, "who": answer.who, "reason": answer.reason, "outcome": "not promoted"}
    audit_writer(settings.layout)(place | told)
    log.say("declined", version=version, who=answer.who, reason=answer.reason)
    return {"version": version, "promoted": False}
