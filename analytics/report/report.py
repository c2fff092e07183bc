"""One day of a live symbol: a self-contained page, rows of `daily_metric`, metrics on the versions' own pages."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from analytics.lake.store import Lake
from analytics.metrics.figures import measure
from analytics.metrics.markout import MidPath
from analytics.registry.entries import log_batches, metric, metric_list
from analytics.registry.registry import Registry
from analytics.registry.tracking import translated
from analytics.report.causes import explained
from analytics.report.daily import Day, charged_bps, load_market, store, version_days, window_of
from analytics.report.difference import CAUSES, DECISION, DIFFERENCE, Split
from analytics.report.digest import digest
from analytics.report.drift import Drift, drifts
from analytics.report.drift_settings import DriftSettings
from analytics.report.page import drawn, render
from analytics.report.sessions import Stretch, live_stretches
from analytics.report.shadows import SHADOW, shadow_days
from strategy.errors import BadInput
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.layout import Layout, slug
from strategy.policies.document import write_atomically
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig

KIND: Final = "daily-report"
_WELL_RECORDED: Final = 0.95  # of the quoted time; less is said on the page


@dataclass(frozen=True, slots=True)
class ReportResult:
    """Where the page is, and the day in figures and in Markdown (`summary`).

    Money is in quote currency, nan where there is nothing to measure.
    """

    path: Path
    day: date
    sessions: int
    versions: tuple[int, ...]
    fills: int
    pnl_quote: float
    edge_bps: float
    run_id: str | None
    drifts: tuple[Drift, ...]
    summary: str
    notes: tuple[str, ...]


def write_report(
    lake: Lake,
    registry: Registry,
    layout: Layout,
    venue: str,
    symbol: str,
    day: date,
    out: Path,
    assumed: ReplayConfig | None = None,
    limits: DriftSettings | None = None,
) -> ReportResult:
    """Measure and explain a UTC day, store its figures, write `VENUE-SYMBOL-DAY.html` into `out`, log both to MLflow.

    A day without live quoting gives a page that says so, and no run. `assumed` says what a replay assumes of latency;
    its fee is the one that was really charged. `limits` say what counts as drift.
    """
    found = explained(lake, layout, measure_day(lake, registry, venue, symbol, day, assumed))
    store(lake, found)
    drifted = tuple(drifts(lake, venue, symbol, day, limits or DriftSettings()))
    found = replace(found, notes=(*found.notes, *(f"drift: {each}" for each in drifted)))
    pictures = drawn(found)
    page = render(found, _moves(lake, found), pictures)
    path = out / f"{venue}-{slug(symbol)}-{day.isoformat()}.html"
    write_atomically(path, page.encode())
    run_id = _log(registry, found, path) if found.stretches else None
    figures = found.overall.overall
    return ReportResult(
        path=path,
        day=day,
        sessions=len({stretch.session for stretch in found.stretches}),
        versions=tuple(each.version for each in found.versions),
        fills=int(figures["fills"]),
        pnl_quote=figures["total_pnl_quote"],
        edge_bps=figures["edge_bps"],
        run_id=run_id,
        drifts=drifted,
        summary=digest(found, pictures, _where(registry, path, run_id)),
        notes=found.notes,
    )


def _where(registry: Registry, path: Path, run_id: str | None) -> str:
    """Return where the whole page is, with a link to MLflow's copy where a server has it."""
    said = f"The whole page: `{path}`."
    if run_id is None or not registry.tracking_uri.startswith("http"):
        return said
    experiment = registry.client.get_run(run_id).info.experiment_id
    link = f"{registry.tracking_uri}/#/experiments/{experiment}/runs/{run_id}/artifacts"
    return f"{said}\n\n[The same in MLflow]({link})"


def measure_day(
    lake: Lake, registry: Registry, venue: str, symbol: str, day: date, config: ReplayConfig | None = None
) -> Day:
    """Return a day's figures, live and replayed."""
    window = window_of(day)
    market = load_market(lake, venue, symbol, window)
    stretches = live_stretches(lake, venue, symbol, window, market.path, market.info.clock_offset_ns)
    parameters, notes = _parameters(registry, venue, symbol, stretches)
    if stretches and market.missing is not None:
        notes.append(f"no market data of this day ({market.missing}): markouts and replay are unknown")
    else:
        notes += _unrecorded(stretches, market.path)
    assumed = replace(config or ReplayConfig(base=0.0, quote=0.0), maker_fee_bps=charged_bps(stretches))
    return Day(
        venue=venue,
        symbol=symbol,
        day=day,
        market=market,
        stretches=stretches,
        versions=version_days(market, stretches, parameters, assumed),
        overall=measure([each.activity for each in stretches], market.path, market.info),
        notes=tuple(notes),
        shadows=shadow_days(lake, venue, symbol, window, market.path, market.info),
    )


def _unrecorded(stretches: tuple[Stretch, ...], path: MidPath) -> list[str]:
    """Return what is to be said when the market was not recorded while quoting."""
    share = path.known_share([(each.activity.start_ns, each.activity.end_ns) for each in stretches])
    said = f"the market was recorded during {share:.0%} of the quoted time: the rest has no markouts and no replay"
    return [said] if share < _WELL_RECORDED else []


def _parameters(
    registry: Registry, venue: str, symbol: str, stretches: tuple[Stretch, ...]
) -> tuple[dict[int, ParameterSet], list[str]]:
    """Return the parameters of the versions that were live, and what is to be said about those without."""
    found: dict[int, ParameterSet] = {}
    notes = []
    for version in sorted({stretch.version for stretch in stretches}):
        try:
            document = registry.document(venue, symbol, version)
        except BadInput as error:
            notes.append(f"{error}: no replay beside it")
            continue
        found[version] = document.parameters
        if document.kernel_digest != KERNEL_DIGEST:
            notes.append(
                f"version {version} was made with kernel {document.kernel_digest[:12]}, replayed with this one"
            )
    return found, notes


def _moves(lake: Lake, day: Day) -> list[dict[str, Any]]:
    """Return the promotions, rollbacks and refusals of the day."""
    events = lake.query("queries/parameter_events", venue=day.venue, symbol=day.symbol)
    return [row for row in events.to_dicts() if row["day"] == day.day]


def _log(registry: Registry, day: Day, path: Path) -> str:
    """Log the day on one run (the same one when the report is written again) and on each version's own page."""
    client = registry.client
    experiment = registry.experiment(day.venue, day.symbol)
    with translated(f"logging the report of {day.day}"):
        run_id = _run(client, experiment, day.day)
        client.log_batch(run_id, metrics=metric_list("live", day.overall))
        for each in day.versions:
            model_id = _model(registry, day, each.version)
            metrics = metric_list("live", each.live, model_id, step_of(day.day))
            if each.replayed:
                metrics += metric_list("replay", each.replayed, model_id, step_of(day.day))
            if model_id is not None:
                log_batches(client, run_id, metrics, [])
        for shadow in day.shadows:
            model_id = _model(registry, day, shadow.version)
            if model_id is not None:
                log_batches(client, run_id, metric_list(SHADOW, shadow.metrics, model_id, step_of(day.day)), [])
        for split in day.splits:
            log_batches(client, run_id, _differences(split, _model(registry, day, split.version), step_of(day.day)), [])
        client.log_artifact(run_id, str(path))
        client.set_terminated(run_id)
    return run_id


def _differences(split: Split, model_id: str | None, step: int) -> list[Any]:
    """Return a version's differences as MLflow takes them: `difference.FIGURE`, `difference.CAUSE.FIGURE`."""
    named = {}
    for source, figure, regime, value in split.rows():
        parts = (DIFFERENCE, *((source,) if source in CAUSES else ()), *((regime,) if regime != "all" else ()), figure)
        if source != DECISION or figure == "differing_fields":
            named[".".join(parts)] = value
    return [metric(name, value, step, model_id) for name, value in named.items() if np.isfinite(value)]


def _run(client: Any, experiment: str, day: date) -> str:
    found = client.search_runs([experiment], f"tags.kind = '{KIND}' and tags.day = '{day.isoformat()}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    tags = {"kind": KIND, "day": day.isoformat()}
    return str(client.create_run(experiment, run_name=f"live-{day.isoformat()}", tags=tags).info.run_id)


def _model(registry: Registry, day: Day, version: int) -> str | None:
    try:
        return registry.model_id(day.venue, day.symbol, version)
    except BadInput:
        return None


def step_of(day: date) -> int:
    """Return the step under which a day's metrics stand, so that days line up in MLflow's charts: days since 1970."""
    return day.toordinal() - date(1970, 1, 1).toordinal()
