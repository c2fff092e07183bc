"""Figures of a study: what its trials were like, which lie on the front, and how the winner did on each fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from analytics.report import plots
from strategy.kernel.records import REGIME_NAMES

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

PARTS: Final = {"train": "#56B4E9", "validation": "#E69F00", "held out": "#009E73"}
BEST: Final = "#D55E00"
OTHER: Final = "#9aa5ad"
COLUMNS: Final = 3  # of slices
LOG_SPAN: Final = 30.0  # values that span so many times their least are drawn over a logarithmic axis


@dataclass(frozen=True, slots=True)
class Stretch:
    """How one window of a fold went: PnL above holding since its start, and the inventory, at each moment (ns)."""

    part: str  # of PARTS
    ts: I64
    excess: F64
    base: F64


def fold_equity(stretches: Sequence[Stretch], currency: str, asset: str) -> Figure:
    """Draw the PnL above holding through all folds, added up from one to the next, and the inventory; parts shaded."""
    figure, (money, held) = plots.new_figure(4.4, 2, (3, 2), width=8.0)
    total = 0.0
    for stretch in stretches:
        for axis in (money, held):
            ends = plots.times(stretch.ts[[0, -1]])
            axis.axvspan(float(ends[0]), float(ends[1]), color=PARTS[stretch.part], alpha=0.14, linewidth=0)
            axis.axvline(float(ends[0]), color=PARTS[stretch.part], linewidth=1.0)
        keep = plots.decimated(stretch.excess)
        money.plot(plots.times(stretch.ts[keep]), total + stretch.excess[keep], color=plots.BUY_COLOUR, linewidth=1.3)
        keep = plots.decimated(stretch.base)
        held.step(plots.times(stretch.ts[keep]), stretch.base[keep], where="post", color=plots.INK, linewidth=1.1)
        total += float(stretch.excess[-1])
    money.axhline(0, color=plots.MUTED, linewidth=0.8)
    money.set_ylabel(f"PnL above holding, {currency}", **plots.STYLE)
    held.set_ylabel(f"{asset} held", **plots.STYLE)
    plots.time_axis(held)
    patches = [Patch(color=colour, alpha=0.35, label=part) for part, colour in PARTS.items()]
    figure.legend(handles=patches, loc="outside upper right", ncols=3, frameon=False, fontsize=10)
    return figure


def fill_ratios(series: Mapping[str, Mapping[str, Mapping[str, float]]], colours: Mapping[str, str] = PARTS) -> Figure:
    """Draw the share of resting orders that were filled, by regime, a bar a part; the number over it is of orders.

    `series` holds the figures (analytics.metrics.figures) of each regime that occurred, by part.
    """
    figure, (axis,) = plots.new_figure(3.6)
    regimes = [name for name in REGIME_NAMES if any(name in figures for figures in series.values())]
    width = 0.8 / max(len(series), 1)
    for i, (part, figures) in enumerate(series.items()):
        places = np.arange(len(regimes)) + (i - (len(series) - 1) / 2) * width
        shares = [figures.get(name, {}).get("fill_ratio", np.nan) for name in regimes]
        bars = axis.bar(places, 100 * np.nan_to_num(shares), 0.92 * width, color=colours[part], label=part)
        counts = [f"{figures[name]['orders']:,.0f}" if name in figures else "" for name in regimes]
        axis.bar_label(bars, counts, fontsize=8, color=plots.MUTED, padding=2)
    axis.set_xticks(np.arange(len(regimes)), regimes)
    axis.grid(False, axis="x")
    axis.margins(y=0.12)
    axis.set_ylabel("orders with a fill, %", **plots.STYLE)
    axis.set_xlabel("regime (numbers: orders that rested)", **plots.STYLE)
    figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=10)
    return figure


def importance_bars(shares: Mapping[str, float]) -> Figure:
    """Draw the importance of each searched coordinate, the largest on top."""
    figure, (axis,) = plots.new_figure(1.0 + 0.28 * len(shares), width=7.0)
    names = list(shares)[::-1]
    bars = axis.barh(range(len(names)), [100 * shares[name] for name in names], color=plots.BUY_COLOUR, height=0.7)
    axis.bar_label(bars, fmt="%.0f", fontsize=9, color=plots.MUTED, padding=3)
    axis.set_yticks(range(len(names)), names, fontsize=9.5)
    axis.grid(False, axis="y")
    axis.margins(x=0.08)
    axis.set_xlabel("importance for the score, % (PED-ANOVA)", **plots.STYLE)
    return figure


def slices(values: Mapping[str, F64], score: F64, feasible: NDArray[np.bool_], winner: int, unit: str) -> Figure:
    """Draw the score of every trial over each searched value; later trials darker, infeasible ones hollow.

    `winner` is the winner's place among the trials. Scores under the worse quarter's reach are left out of sight.
    """
    rows = -(-len(values) // COLUMNS)
    figure = Figure(figsize=(9.0, 0.5 + 2.2 * rows), dpi=140, layout="constrained")
    grid = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False)
    shown = [axis for line in grid for axis in line]
    low, high = np.quantile(score, 0.25), float(score.max())
    for axis, (name, places) in zip(shown, values.items(), strict=False):
        _slice(axis, places, score, feasible, winner)
        axis.set_xlabel(name, fontsize=8.5)
        axis.set_ylim(low - 0.6 * (high - low) - 1e-12, high + 0.1 * (high - low) + 1e-12)
    for axis in shown[len(values) :]:
        axis.set_visible(False)
    figure.supylabel(unit, fontsize=10)
    return figure


def _slice(axis: Axes, places: F64, score: F64, feasible: NDArray[np.bool_], winner: int) -> None:
    order = np.arange(len(score))
    axis.scatter(places[~feasible], score[~feasible], s=9, facecolor="none", edgecolor=OTHER, linewidth=0.6)
    colours: dict[str, Any] = {"c": order[feasible], "cmap": "Blues", "vmin": -0.4 * len(score), "vmax": len(score)}
    axis.scatter(places[feasible], score[feasible], s=11, linewidth=0, **colours)
    axis.scatter(places[winner], score[winner], s=46, marker="*", color=BEST, zorder=3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(True, color="#e6e6e6", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=8)
    known = places[np.isfinite(places)]
    if len(known) and known.min() > 0 and known.max() > LOG_SPAN * known.min():
        axis.set_xscale("log")


def pareto(goals: F64, feasible: NDArray[np.bool_], front: Sequence[int], winner: int, names: Sequence[str]) -> Figure:
    """Draw trials over each pair of objectives; `front` and `winner` are places among the trials (rows of `goals`)."""
    pairs = list(combinations(range(goals.shape[1]), 2))
    figure = Figure(figsize=(6.4, 4.2 * len(pairs)), dpi=140, layout="constrained")
    for axis, (x, y) in zip(figure.subplots(len(pairs), 1, squeeze=False)[:, 0], pairs, strict=True):
        _front(axis, goals[:, [x, y]], feasible, front, winner)
        axis.set_xlabel(names[x], **plots.STYLE)
        axis.set_ylabel(names[y], **plots.STYLE)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=4, frameon=False, fontsize=9.5)
    return figure


def _front(axis: Axes, goals: F64, feasible: NDArray[np.bool_], front: Sequence[int], winner: int) -> None:
    hollow: dict[str, Any] = {"facecolor": "none", "edgecolor": OTHER, "linewidth": 0.7}
    x, y = goals.T
    axis.scatter(x[~feasible], y[~feasible], s=14, label="misses a limit", **hollow)
    axis.scatter(x[feasible], y[feasible], s=14, color=OTHER, linewidth=0, label="trial")
    on_it = goals[list(front)]
    on_it = on_it[np.argsort(on_it[:, 0], kind="stable")]
    axis.plot(*on_it.T, "o-", color=plots.BUY_COLOUR, markersize=5, linewidth=1.0, label="front")
    axis.plot(*goals[winner], "*", color=BEST, markersize=15, label="winner")
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(True, color="#e6e6e6", linewidth=0.7)
    axis.set_axisbelow(True)
    chosen = goals[feasible] if feasible.any() else goals
    for span, place in ((axis.set_xlim, 0), (axis.set_ylim, 1)):
        low, high = float(np.quantile(chosen[:, place], 0.1)), float(chosen[:, place].max())
        low = min(low, float(on_it[:, place].min())) if len(on_it) else low
        span(low - 0.08 * (high - low) - 1e-12, high + 0.08 * (high - low) + 1e-12)
