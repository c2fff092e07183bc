"""A calibration in MLflow: a parent run, a nested run for each of the best candidates, every trial in one table."""

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

from analytics.registry.described import common_tags, fill_model, run_name, study_tags
from analytics.registry.entries import log_batches, metric, metric_list, param, parameter_list
from analytics.registry.registry import Registry
from analytics.registry.study_figures import study_figures
from analytics.registry.tracking import translated
from analytics.report import plots
from analytics.study.candidates import front_of, left_on_front
from analytics.study.objective import Evaluation
from analytics.study.study import StudyResult
from analytics.study.trials import TrialRow
from analytics.study.walk_forward import efficiency
from strategy.policies.document import ParameterDocument
from strategy.replay.run import ReplayConfig
from strategy.replay.tape import TapeInfo

PARENT: Final = "mlflow.parentRunId"


@dataclass(frozen=True, slots=True)
class Logged:
    """The runs of a calibration: the parent's id, the candidates' ids (winner first) and how long logging took."""

    run_id: str
    candidate_run_ids: tuple[str, ...]
    seconds: float


def log_calibration(registry: Registry, result: StudyResult, info: TapeInfo, gates: Sequence[Any]) -> Logged:
    """Log a study: parameters, metrics, tables, plots and dataset on the parent, the best ones as nested runs.

    With several objectives those are the Pareto front.
    """
    begun = time.perf_counter()
    client = registry.client
    experiment = registry.experiment(info.venue, info.symbol)
    with translated(f"logging study {result.name}"):
        parent = client.create_run(
            experiment, run_name=run_name(result), tags=study_tags(result, info, gates)
        ).info.run_id
        log_batches(client, parent, _trial_metrics(result), _params(result, info))
        log_batches(
            client, parent, [metric(f"gate.{each.name}", each.passed) for each in gates if each.passed is not None], []
        )
        client.log_inputs(parent, [_dataset(info)])
        _log_tables(client, parent, result)
        _log_figures(client, parent, result, info)
        tags = common_tags(result, info) | {PARENT: parent}
        nested = [_candidate(client, experiment, tags, result, i) for i in range(len(result.candidates))]
        client.set_terminated(parent, "KILLED" if result.interrupted else "FINISHED")
    return Logged(parent, tuple(nested), time.perf_counter() - begun)


def log_version(registry: Registry, document: ParameterDocument, result: StudyResult) -> None:
    """Log what a study's winner did held out, by regime too, on its run and on the page of the version it became."""
    run_id, place = str(document.provenance.run_id), document.instrument
    with translated(f"logging version {document.version}"):
        model_id = registry.model_id(place.venue, place.symbol, document.version)
        log_batches(registry.client, run_id, metric_list("held_out", result.held_out.metrics, model_id), [])
        registry.client.set_tag(run_id, "version", str(document.version))


def _candidate(client: Any, experiment: str, tags: dict[str, str], result: StudyResult, place: int) -> str:
    candidate, objective = result.candidates[place], result.settings.objective
    kind = "front" if objective.also else "candidate"
    name = f"{kind if place else 'winner'}-{candidate.trial.number}"
    own = {"kind": kind, "trial": str(candidate.trial.number), "place": str(place + 1)}
    run_id = str(client.create_run(experiment, run_name=name, tags=tags | own).info.run_id)
    metrics = _scores("train", objective.also, candidate.trial) + _scores(
        "validation", objective.also, candidate.validation
    )
    metrics += metric_list("validation", candidate.validation.metrics)
    log_batches(client, run_id, metrics, parameter_list("", candidate.point.parameters))
    client.log_text(run_id, candidate.point.parameters.canonical_json().decode(), "parameters.json")
    client.set_terminated(run_id)
    return run_id


def _scores(part: str, also: Sequence[str], found: TrialRow | Evaluation) -> list[Metric]:
    """Return the scores of one part of the folds: over all of them, and fold by fold as steps from 1."""
    whole = [metric(f"{part}.score", found.score)]
    whole += [metric(f"{part}.score.{name}", found.others[name]) for name in also]
    return whole + [metric(f"{part}.fold_score", score, i + 1) for i, score in enumerate(found.fold_scores)]


def _trial_metrics(result: StudyResult) -> list[Metric]:
    best, metrics = -np.inf, []
    for row in result.trials:
        metrics.append(metric("trial.score", row.score, row.number))
        metrics.append(metric("trial.fills", row.figures["fills"], row.number))
        if row.feasible:
            best = max(best, row.score)
            metrics.append(metric("trial.best", best, row.number))
    winner, also = result.winner, result.settings.objective.also
    parts: dict[str, TrialRow | Evaluation] = {
        "train": winner.trial,
        "validation": winner.validation,
        "held_out": result.held_out,
    }
    rivals = {"baseline": result.baseline, "champion": result.champion}
    known = {name: each for name, each in rivals.items() if each is not None}
    for name, each in (parts | known).items():
        metrics += _scores(name, also, each)
    folds = [score for part in parts.values() for score in part.fold_scores]
    metrics += [metric("winner.fold_score", score, i + 1) for i, score in enumerate(folds)]
    metrics.append(metric("trials.pruned", sum(row.pruned for row in result.trials)))
    metrics.append(metric("trials.feasible", sum(row.feasible for row in result.trials)))
    for step in result.steps:
        metrics += [metric("walk_forward.before", step.before, step.known)]
        metrics += [metric("walk_forward.after", step.after, step.known)]
    metrics.append(metric("walk_forward.efficiency", efficiency(result.steps)))
    return metrics + [metric(f"seconds.{name}", value) for name, value in result.seconds.items()]


def _params(result: StudyResult, info: TapeInfo) -> list[Param]:
    """Return what the study was told, the winner's values by their own names and the base set's under `base.`."""
    settings = result.settings
    told: dict[str, Any] = {
        "seed": settings.seed,
        "trials": len(result.trials),
        "winner_trial": result.winner.trial.number,
        "window_start_ns": info.start_ns,
        "window_end_ns": info.end_ns,
        "fill_model": fill_model(result),
        **_assumed(settings.replay),
    }
    for part in ("search", "space", "folds", "objective"):
        told |= {f"{part}.{name}": value for name, value in getattr(settings, part).model_dump(mode="json").items()}
    found = [each for name, value in told.items() for each in param(name, value)]
    return found + parameter_list("", result.winner.point.parameters) + parameter_list("base.", result.base)


def _assumed(replay: ReplayConfig) -> dict[str, Any]:
    """Return what replays assumed by name; of drawn latencies both medians."""
    told = {f"replay.{each.name}": getattr(replay, each.name) for each in fields(replay)}
    drawn = told.pop("replay.latencies")
    if drawn is None:
        return told
    return told | {f"replay.{way}_median": float(np.median(getattr(drawn, way))) for way in drawn._fields}


def _dataset(info: TapeInfo) -> DatasetInput:
    place = f'{{"venue": "{info.venue}", "symbol": "{info.symbol}", "lake_snapshot": {info.lake_snapshot}}}'
    window = f'{{"start_ns": {info.start_ns}, "end_ns": {info.end_ns}}}'
    dataset = Dataset(f"{info.venue} {info.symbol}", info.fingerprint[:36], "lake", place, profile=window)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "calibration")])


def _log_figures(client: Any, run_id: str, result: StudyResult, info: TapeInfo) -> None:
    """Log the figures in one request, from a folder of files."""
    with TemporaryDirectory() as folder:
        for name, figure in study_figures(result, info):
            (Path(folder) / f"{name}.png").write_bytes(plots.png(figure))
        client.log_artifacts(run_id, folder, "plots")


def _log_tables(client: Any, run_id: str, result: StudyResult) -> None:
    """Log every trial, and the Pareto front where there are several objectives."""
    front = {row.number for row in front_of(result.trials)} if result.settings.objective.also else None
    rows = [row.flat() | ({} if front is None else {"front": row.number in front}) for row in result.trials]
    _log_table(client, run_id, rows, "trials.json")
    if front is not None:
        _log_table(client, run_id, list(_front_rows(result)), "front.json")


def _front_rows(result: StudyResult) -> Iterator[dict[str, Any]]:
    """Yield the candidates of several objectives in their order: scores of both parts, then what was searched."""
    names, left = result.settings.objective.measures, {each.trial.number for each in left_on_front(result.candidates)}
    for place, each in enumerate(result.candidates):
        row: dict[str, Any] = {"place": place + 1, "trial": each.trial.number}
        row |= {f"train.{name}": value for name, value in zip(names, each.trial.goals, strict=True)}
        row |= {f"validation.{name}": value for name, value in zip(names, each.validation.goals, strict=True)}
        row |= {"feasible": each.validation.violation <= 0, "validation_front": each.trial.number in left}
        yield row | each.trial.values


def _log_table(client: Any, run_id: str, rows: Sequence[dict[str, Any]], file: str) -> None:
    with warnings.catch_warnings():
        # MLflow looks for images among text columns in a way that pandas deprecates.
        warnings.filterwarnings("ignore", "For backward compatibility, 'str' dtypes", DeprecationWarning)
        client.log_table(run_id, _columns(rows), file)


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in names}
