"""What a study looks like on its run's page: the figures, by name, made of its result."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analytics.metrics.activity import Activity, excess, walk
from analytics.metrics.curves import half_spread_curve
from analytics.metrics.markout import HORIZONS_S
from analytics.report import plots, study_plots
from analytics.report.study_plots import Stretch
from analytics.study.candidates import front_of
from analytics.study.importance import importances
from analytics.study.study import StudyResult
from strategy.policies.parameters import ParameterSet
from strategy.replay.tape import TapeInfo

F64 = NDArray[np.float64]


def study_figures(result: StudyResult, info: TapeInfo) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of a study and its winner; those for which there is too little are left out."""
    yield "spread_against_sigma", spread_figure(result.winner.point.parameters, result.sigma)
    stretches = list(_stretches(result, info))
    if stretches:
        asset, currency = _coins(info)
        yield "equity_by_fold", study_plots.fold_equity(stretches, currency, asset)
    yield "markout_held_out", _markouts(result)
    parts = {"train": result.train, "validation": result.winner.validation, "held out": result.held_out}
    yield "fill_ratio_by_regime", study_plots.fill_ratios({name: each.metrics.regimes for name, each in parts.items()})
    shares = importances(result.trials)
    if shares:
        yield "importances", study_plots.importance_bars({_plain(name): share for name, share in shares.items()})
    slices = _slices(result)
    if slices is not None:
        yield "slices", slices
    if result.settings.objective.also:
        yield "pareto", _pareto(result)


def spread_figure(parameters: ParameterSet, observed: Any) -> Figure:
    """Return the half-spread over the sigmas that matter: from 0 to well beyond the observed and the thresholds."""
    thresholds = parameters.regimes.thresholds
    usual = float(np.quantile(observed, 0.995)) if len(observed) else 0.0
    sigma = np.linspace(0.0, 1.3 * max(usual, thresholds[-1]), 400)
    return plots.spread_curve(sigma, half_spread_curve(parameters, sigma), thresholds, np.asarray(observed))


def _stretches(result: StudyResult, info: TapeInfo) -> Iterator[Stretch]:
    parts = (("train", result.train), ("validation", result.winner.validation), ("held out", result.held_out))
    for part, evaluation in parts:
        for activity in evaluation.activities:
            ts, earned, base = _earned(activity, info)
            if len(ts) > 1:
                yield Stretch(part, ts, earned, base)


def _earned(activity: Activity, info: TapeInfo) -> tuple[NDArray[np.int64], F64, F64]:
    """Return moments (ns), PnL above holding (quote currency) and inventory (base units)."""
    marks, lot = walk(activity), float(info.lot_size)
    return marks.ts, excess(activity, marks) * float(info.tick_size) * lot, marks.position * lot


def _coins(info: TapeInfo) -> tuple[str, str]:
    asset, currency = info.symbol.split(":")[0].split("/")
    return asset, currency


def _markouts(result: StudyResult) -> Figure:
    found = {"winner": result.held_out, "base set": result.baseline, "champion": result.champion}
    series = {name: each.metrics.captures for name, each in found.items() if each is not None}
    return plots.markout_curve((0, *HORIZONS_S), series)


def _slices(result: StudyResult) -> Figure | None:
    """Return the score over every searched value that is a number; thresholds as quantiles where they are known."""
    rows = [row for row in result.trials if not row.pruned]
    names = [name for name, value in rows[0].values.items() if isinstance(value, int | float)]
    if any("quantile" in name for name in names):
        names = [name for name in names if not name.endswith("_threshold")]
    if not names:
        return None
    values = {name: np.array([row.values[name] for row in rows], np.float64) for name in names}
    score, feasible = np.array([row.score for row in rows]), np.array([row.feasible for row in rows])
    winner = [row.number for row in rows].index(result.winner.trial.number)
    return study_plots.slices(values, score, feasible, winner, f"score: {result.settings.objective.measure}")


def _pareto(result: StudyResult) -> Figure:
    rows = list(result.trials)
    places = {row.number: i for i, row in enumerate(rows)}
    goals, feasible = np.array([row.goals for row in rows]), np.array([row.feasible for row in rows])
    front = [places[row.number] for row in front_of(rows)]
    winner = places[result.winner.trial.number]
    return study_plots.pareto(goals, feasible, front, winner, result.settings.objective.measures)


def _plain(coordinate: str) -> str:
    """Return a coordinate's name as people know it: `u_spread_1` is spread 1."""
    name = coordinate.removeprefix("u_")
    return name if "." in name else name.replace("_", " ")
