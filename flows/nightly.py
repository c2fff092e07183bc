"""Flow: the recalibration that nobody watches."""

from typing import Any

from prefect import flow

from flows import log
from flows.calibrate import calibrate
from flows.ingest import ingest
from flows.promote import promote
from flows.report import report
from flows.runner import inside


@flow
def nightly(trials: int | None = None, venue: str | None = None, symbol: str | None = None) -> dict[str, Any]:
    """Ingest, calibrate, promote when no gate is in the way, report on yesterday."""
    place = {"venue": venue, "symbol": symbol}
    inside(ingest)
    found = inside(calibrate, trials=trials, **place)
    if found["passed"]:
        inside(promote, version=found["version"], reason=f"nightly: gates {found['gates']}", **place)
    else:
        log.say("not promoted", version=found["version"], gates=found["gates"])
    page = inside(report, **place)
    return {"version": found["version"], "promoted": found["passed"], "gates": found["gates"], "page": page["path"]}
