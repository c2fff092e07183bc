"""A calibration in MLflow: a parent run, a nested run for each of the best candidates, every trial in one table."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
from matplotlib.figure import Figure
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

from analytics.metrics.activity import Activity, walk
from analytics.metrics.curves import half_spread_curve
from analytics.metrics.figures import Metrics
from analytics.registry.registry import Registry
from analytics.registry.tracking import translated
from analytics.report import plots
from analytics.study.candidates import Candidate
from analytics.study.study import StudyResult
from analytics.study.walk_forward import efficiency
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.policies.dotted import flat
from strategy.policies.parameters import ParameterSet
from strategy.replay.tape import TapeInfo

PARENT: Final = "mlflow.parentRunId"
BATCH: Final = 900  # MLflow takes at most 1,000 entities in one request
MOST: Final = 100  # ... of which at most so many parameters
LONGEST: Final = 500  # characters of a parameter's value that every MLflow store keeps


@dataclass(frozen=True, slots=True)
class Logged:
    """The runs of a calibration: the parent's id, the candidates' ids (winner first) and how long logging took."""

    run_id: str
    candidate_run_ids: tuple[str, ...]
    seconds: float


def log_calibration(registry: Registry, result: StudyResult, info: TapeInfo, gates: Sequence[Any]) -> Logged:
    """Log a study: parameters, metrics, trials table, plots and dataset on the parent, the best ones as nested runs."""
    begun = time.perf_counter()
    client = registry.client
    experiment = registry.experiment(info.venue, info.symbol)
    with translated(f"logging study {result.name}"):
        parent = client.create_run(experiment, run_name=result.name, tags=_tags(result, info)).info.run_id
        log_batches(client, parent, _trial_metrics(result), _params(result, info))
        held_out = [_metric(f"held_out.{k}", v) for k, v in result.held_out.metrics.overall.items()]
        held_out += [_metric(f"gate.{gate.name}", gate.passed) for gate in gates if gate.passed is not None]
        log_batches(client, parent, held_out, [])
        client.log_inputs(parent, [_dataset(info)])
        _log_trials(client, parent, result)
        for name, figure in calibration_figures(result, info).items():
            client.log_figure(parent, figure, f"{name}.png")
        nested = [_candidate(client, experiment, parent, i, each) for i, each in enumerate(result.candidates)]
        client.set_terminated(parent, "KILLED" if result.interrupted else "FINISHED")
    return Logged(parent, tuple(nested), time.perf_counter() - begun)


def calibration_figures(result: StudyResult, info: TapeInfo) -> dict[str, Figure]:
    """Return the winner's spread curve over the observed sigmas, and its equity on the held-out fold."""
    parameters = result.winner.point.parameters
    figures = {"spread_curve": spread_figure(parameters, result.sigma)}
    first = result.held_out.activities[0]
    if len(first.samples) > 1:
        figures["equity_held_out"] = equity_figure(first, info)
    return figures


def spread_figure(parameters: ParameterSet, observed: Any) -> Figure:
    """Return the half-spread over the sigmas that matter: from 0 to well beyond the observed and the thresholds."""
    thresholds = parameters.regimes.thresholds
    usual = float(np.quantile(observed, 0.995)) if len(observed) else 0.0
    sigma = np.linspace(0.0, 1.3 * max(usual, thresholds[-1]), 400)
    return plots.spread_curve(sigma, half_spread_curve(parameters, sigma), thresholds, np.asarray(observed))


def equity_figure(activity: Activity, info: TapeInfo) -> Figure:
    """Return PnL above holding the start inventory, and the inventory."""
    marks = walk(activity)
    lot = float(info.lot_size)
    held = activity.start_base_lots * (marks.mid - activity.start_mid_ticks)
    start = activity.start_quote_atoms + activity.start_base_lots * activity.start_mid_ticks
    excess = (marks.equity - held - start) * float(info.tick_size) * lot
    asset, currency = info.symbol.split(":")[0].split("/")
    return plots.equity(marks.ts, excess, marks.position * lot, currency, asset)


def _candidate(client: Any, experiment: str, parent: str, place: int, candidate: Candidate) -> str:
    name = f"{'winner' if place == 0 else 'candidate'}-{candidate.trial.number}"
    tags = {PARENT: parent, "trial": str(candidate.trial.number), "place": str(place + 1)}
    run_id = str(client.create_run(experiment, run_name=name, tags=tags).info.run_id)
    metrics = [_metric("train.score", candidate.trial.score), _metric("validation.score", candidate.validation.score)]
    metrics += metric_list("validation", candidate.validation.metrics)
    log_batches(client, run_id, metrics, parameter_list("", candidate.point.parameters))
    client.log_text(run_id, candidate.point.parameters.canonical_json().decode(), "parameters.json")
    client.set_terminated(run_id)
    return run_id


def metric_list(prefix: str, metrics: Metrics, model_id: str | None = None, step: int = 0) -> list[Metric]:
    """Return metrics as MLflow takes them; a regime's are named `prefix.regime.metric`."""
    named = [
        (f"{prefix}.{name}" if regime == "all" else f"{prefix}.{regime}.{name}", value)
        for name, regime, value in metrics.rows()
    ]
    return [_metric(name, value, step, model_id) for name, value in named if np.isfinite(value)]


def _metric(name: str, value: float, step: int = 0, model_id: str | None = None) -> Metric:
    return Metric(name, float(value), int(time.time() * 1e3), step, model_id=model_id)


def _trial_metrics(result: StudyResult) -> list[Metric]:
    best, metrics = -np.inf, []
    for row in result.trials:
        metrics.append(_metric("trial.score", row.score, row.number))
        metrics.append(_metric("trial.fills", row.figures["fills"], row.number))
        if row.feasible:
            best = max(best, row.score)
            metrics.append(_metric("trial.best", best, row.number))
    winner = result.winner
    metrics += [_metric("train.score", winner.trial.score), _metric("validation.score", winner.validation.score)]
    rivals = {"held_out.score": result.held_out, "baseline.score": result.baseline, "champion.score": result.champion}
    metrics += [_metric(name, each.score) for name, each in rivals.items() if each is not None]
    for step in result.steps:
        metrics += [_metric("walk_forward.before", step.before, step.known)]
        metrics += [_metric("walk_forward.after", step.after, step.known)]
    metrics.append(_metric("walk_forward.efficiency", efficiency(result.steps)))
    return metrics + [_metric(f"seconds.{name}", value) for name, value in result.seconds.items()]


def parameter_list(prefix: str, parameters: ParameterSet) -> list[Param]:
    """Return every value of a set as MLflow takes it, by `prefix` and dotted name, strings without quotes."""
    return [each for name, value in flat(parameters).items() for each in _param(f"{prefix}{name}", value)]


def _param(name: str, value: Any) -> list[Param]:
    """Return one parameter; a list whose text is too long for one becomes one an item, numbered from 1."""
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    if len(text) > LONGEST and isinstance(value, list | tuple):
        return [each for i, item in enumerate(value) for each in _param(f"{name}.{i + 1}", item)]
    return [Param(name, text[:LONGEST])]


def _params(result: StudyResult, info: TapeInfo) -> list[Param]:
    """Return what the study was told, the winner's values by their own names and the base set's under `base.`."""
    settings = result.settings
    told: dict[str, Any] = {
        "seed": settings.seed,
        "trials": len(result.trials),
        "winner_trial": result.winner.trial.number,
        "window_start_ns": info.start_ns,
        "window_end_ns": info.end_ns,
        "replay": str(settings.replay),
    }
    for part in ("search", "space", "folds", "objective"):
        told |= {f"{part}.{name}": value for name, value in getattr(settings, part).model_dump(mode="json").items()}
    found = [each for name, value in told.items() for each in _param(name, value)]
    return found + parameter_list("", result.winner.point.parameters) + parameter_list("base.", result.base)


def _tags(result: StudyResult, info: TapeInfo) -> dict[str, str]:
    return {
        "study": result.name,
        "sampler": result.settings.search.sampler,
        "objective": result.settings.objective.measure,
        "venue": info.venue,
        "symbol": info.symbol,
        "tape_fingerprint": info.fingerprint,
        "lake_snapshot": str(info.lake_snapshot),
        "kernel_digest": KERNEL_DIGEST,
        "interrupted": str(result.interrupted).lower(),
    }


def _dataset(info: TapeInfo) -> DatasetInput:
    place = f'{{"venue": "{info.venue}", "symbol": "{info.symbol}", "lake_snapshot": {info.lake_snapshot}}}'
    window = f'{{"start_ns": {info.start_ns}, "end_ns": {info.end_ns}}}'
    dataset = Dataset(f"{info.venue} {info.symbol}", info.fingerprint[:36], "lake", place, profile=window)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "calibration")])


def _log_trials(client: Any, run_id: str, result: StudyResult) -> None:
    with warnings.catch_warnings():
        # MLflow looks for images among text columns in a way that pandas deprecates.
        warnings.filterwarnings("ignore", "For backward compatibility, 'str' dtypes", DeprecationWarning)
        client.log_table(run_id, _columns(result), "trials.json")


def _columns(result: StudyResult) -> dict[str, list[Any]]:
    rows = [row.flat() for row in result.trials]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in names}


def log_batches(client: Any, run_id: str, metrics: Sequence[Metric], params: Sequence[Param]) -> None:
    """Log in requests that MLflow accepts: as many metrics or parameters as one may hold."""
    known = [metric for metric in metrics if np.isfinite(metric.value)]
    for start in range(0, len(known), BATCH):
        client.log_batch(run_id, metrics=known[start : start + BATCH])
    for start in range(0, len(params), MOST):
        client.log_batch(run_id, params=params[start : start + MOST])
