"""What is compared: a registered version, or a run of a study, with all that its pages say of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import mlflow
import orjson
import polars as pl
from mlflow.exceptions import MlflowException

from analytics.gates.verdicts import gate_rows
from analytics.lake.store import Lake
from analytics.registry.registry import Registry
from analytics.registry.tracking import MISSING, reason, translated
from analytics.report.daily import LIVE
from strategy.errors import BadInput, Failed
from strategy.policies.parameters import ParameterSet, parse_parameters

RUN: Final = re.compile(r"[0-9a-f]{32}")
PARAMETERS: Final = "parameters.json"
PARTS: Final = ("held_out", "validation")  # of the folds whose figures stand on a page, the more telling one first
FOREVER: Final = (date(1970, 1, 1), date(9999, 12, 31))

Gate = tuple[str, str, Any, Any, str]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two; `figures` are logged ones of `part` of its study's folds, `live` sums of its days (empty: none)."""

    name: str
    parameters: ParameterSet
    about: str
    gates: tuple[Gate, ...]
    part: str
    figures: Mapping[str, float]
    live: Mapping[str, float]


def side(registry: Registry, lake: Lake, place: tuple[str, str], said: str) -> Side:
    """Return what a version's number, its alias or a run's id names; one line says what is wrong with anything else."""
    if RUN.fullmatch(said):
        return of_run(registry, lake, place, said)
    aliases = registry.aliases(*place)
    if said not in aliases and not said.isdecimal():
        known = ", ".join(sorted(aliases)) or "no alias, for nothing is registered"
        raise BadInput(f"{said!r} names no version and no run: write a number, a run's id, or one of {known}")
    return of_version(registry, lake, place, aliases.get(said) or int(said))


def of_version(registry: Registry, lake: Lake, place: tuple[str, str], version: int) -> Side:
    """Return a registered version."""
    document = registry.document(*place, version)
    with translated(f"reading version {version}"):
        model = registry.client.get_logged_model(registry.model_id(*place, version))
    part, figures = _figures({metric.key: metric.value for metric in model.metrics or ()})
    aliases = sorted(alias for alias, number in registry.aliases(*place).items() if number == version)
    known = (("study", document.provenance.study), ("trials", document.provenance.trials))
    about = [*aliases, *(f"{name} {value}" for name, value in known if value is not None)]
    gates, live = tuple(gate_rows(document)), _live(lake, place, version)
    return Side(f"version {version}", document.parameters, ", ".join(about), gates, part, figures, live)


def of_run(registry: Registry, lake: Lake, place: tuple[str, str], run_id: str) -> Side:
    """Return a candidate's run; a study's own is the version that it became, or else its winner's run."""
    try:
        run = registry.client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != MISSING:
            raise Failed(f"MLflow, reading run {run_id}: {reason(error)}") from error
        raise BadInput(f"MLflow has no run {run_id}") from error
    if "version" in run.data.tags:
        return of_version(registry, lake, place, int(run.data.tags["version"]))
    if run.data.tags.get("kind") == "study":
        return of_run(registry, lake, place, _winner(registry, run))
    with translated(f"reading run {run_id}"):
        held = [file.path for file in registry.client.list_artifacts(run_id)]
        if PARAMETERS not in held:
            raise BadInput(f"run {run_id} is {run.data.tags.get('kind', 'no study')}, which holds no parameter set")
        text = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/{PARAMETERS}")
    part, figures = _figures(run.data.metrics)
    about = ", ".join(f"{name} {run.data.tags[name]}" for name in ("study", "trial") if name in run.data.tags)
    name = f"run {run.info.run_name} ({run_id[:8]})"
    return Side(name, parse_parameters(orjson.loads(text)), about, (), part, figures, {})


def _winner(registry: Registry, run: Any) -> str:
    asked = f"tags.mlflow.parentRunId = '{run.info.run_id}' and tags.place = '1'"
    with translated(f"reading run {run.info.run_id}"):
        found = registry.client.search_runs([run.info.experiment_id], asked, max_results=1)
    if not found:
        raise BadInput(f"run {run.info.run_id} is of a study without a winner")
    return str(found[0].info.run_id)


def _figures(logged: Mapping[str, float]) -> tuple[str, dict[str, float]]:
    """Return the part of a study of which overall figures were logged, and these by their own names."""
    for part in PARTS:
        found = {name.removeprefix(f"{part}."): value for name, value in logged.items() if name.startswith(f"{part}.")}
        if "edge_bps" in found:
            return part, found
    return "", {}


def _live(lake: Lake, place: tuple[str, str], version: int) -> dict[str, float]:
    """Return what a version did over all days on which it was live: sums, and the edge by turnover."""
    rows = lake.query(
        "queries/daily_metrics", venue=place[0], symbol=place[1], first_day=FOREVER[0], last_day=FOREVER[1]
    ).filter(pl.col("version") == version, pl.col("regime") == "all", pl.col("source") == LIVE)
    if rows.is_empty():
        return {}
    days = rows.pivot("metric", index="day", values="value")
    sums = {name: float(days[name].sum()) for name in ("fills", "orders", "turnover_quote", "total_pnl_quote")}
    known = days.filter(pl.col("edge_bps").is_not_null() & (pl.col("turnover_quote") > 0))
    turnover = float(known["turnover_quote"].sum())
    edge = float((known["edge_bps"] * known["turnover_quote"]).sum()) / turnover if turnover > 0 else float("nan")
    return {"days": float(len(days)), **sums, "edge_bps": edge}
