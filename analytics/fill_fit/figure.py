"""One fit at a glance: how sure the exponent is, and what replays filled beside what was filled live."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analytics.fill_fit.comparison import AFTER, ALL, BEFORE, SOURCES, Filled
from analytics.fill_fit.profile import DROP
from analytics.fill_fit.queue_fit import QueueFit
from analytics.metrics.figures import metrics_of
from analytics.report import plots
from analytics.report.daily import LIVE

COLOURS: Final = {LIVE: plots.INK, BEFORE: plots.SELL_COLOUR, AFTER: plots.BUY_COLOUR}
_SHOWN: Final = 12.0  # how far under the best the curve is drawn


def fit_figure(title: str, fit: QueueFit, sources: Mapping[str, Filled] | None) -> Figure:
    """Draw the profile of the exponent and, where replays could be compared, fill ratios by regime and fill times."""
    panels = 1 if sources is None else 3
    figure = Figure(figsize=(7.0, 3.0 * panels), dpi=140, layout="constrained")
    axes = list(figure.subplots(panels, 1, squeeze=False)[:, 0])
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(True, color="#e6e6e6", linewidth=0.7)
        axis.set_axisbelow(True)
    _draw_profile(axes[0], fit)
    if sources is not None:
        _draw_ratios(axes[1], sources)
        _draw_times(axes[2], sources)
    figure.suptitle(title, fontsize=12, x=0.01, ha="left")
    return figure


def _draw_profile(axis: Axes, fit: QueueFit) -> None:
    curve, found = fit.exponents, fit.exponent
    top = max(float(curve.log_likelihood.max()), *fit.log_likelihoods.values())
    axis.axvspan(found.low, found.high, color=plots.BUY_COLOUR, alpha=0.12, linewidth=0)
    axis.plot(curve.at, curve.log_likelihood - top, color=plots.BUY_COLOUR, marker=".", label="power")
    for model, style in (("log", "--"), ("risk_averse", ":")):
        axis.axhline(fit.log_likelihoods[model] - top, color=plots.MUTED, linestyle=style, label=model)
    axis.set_xscale("log")
    axis.set_ylim(-_SHOWN * DROP, DROP)
    axis.set_xlabel("queue_exponent, with its 95 % interval")
    axis.set_ylabel("log-likelihood under the best")
    axis.legend(fontsize=9, frameon=False)


def _draw_ratios(axis: Axes, sources: Mapping[str, Filled]) -> None:
    found = {source: metrics_of(each.tally) for source, each in sources.items()}
    regimes = [ALL, *dict.fromkeys(name for each in found.values() for name in each.regimes)]
    for place, source in enumerate(SOURCES):
        figures = {ALL: found[source].overall} | found[source].regimes
        heights = [figures[name]["fill_ratio"] if name in figures else float("nan") for name in regimes]
        axis.bar(np.arange(len(regimes)) + 0.27 * (place - 1), heights, 0.25, color=COLOURS[source], label=source)
    axis.set_xticks(range(len(regimes)), regimes)
    axis.set_ylabel("orders with a fill")
    axis.legend(fontsize=9, frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0))


def _draw_times(axis: Axes, sources: Mapping[str, Filled]) -> None:
    for source in SOURCES:
        waited = np.sort(sources[source].waited_s)
        if len(waited):
            share = np.arange(1, len(waited) + 1) / len(waited)
            axis.step(np.maximum(waited, 1e-3), share, where="post", color=COLOURS[source], label=source)
    axis.set_xscale("log")
    axis.set_xlabel("seconds from sending to the first fill")
    axis.set_ylabel("share of filled orders")
    axis.legend(fontsize=9, frameon=False)
