"""Figures for reports and MLflow runs: plain data in, a matplotlib figure out. No global state, no display."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

import matplotlib
import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from strategy.kernel.records import REGIME_NAMES

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

# Okabe and Ito's colours, told apart by colour-blind readers; regimes run from cool to warm.
INK: Final = "#222222"
MUTED: Final = "#6b6b6b"
BUY_COLOUR: Final = "#0072B2"
SELL_COLOUR: Final = "#D55E00"
REGIME_COLOURS: Final = ("#BBBBBB", "#56B4E9", "#009E73", "#E69F00", "#D55E00")
WIDTH_IN: Final = 5.4  # narrow, so that text is still legible when the page is 390 pixels wide
MAX_POINTS: Final = 1_500
STEPS_S: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)
STYLE: Final[dict[str, Any]] = {"size": 11}
SERIES_COLOURS: Final = (INK, "#E69F00", BUY_COLOUR, SELL_COLOUR)
NARROW: Final[dict[str, Any]] = {"columnspacing": 1.0, "handlelength": 1.2}


def new_figure(
    height: float = 3.4, rows: int = 1, ratios: Sequence[float] | None = None, width: float = WIDTH_IN
) -> tuple[Figure, list[Axes]]:
    """Return an empty figure (inches) with `rows` axes above each other that share x."""
    figure = Figure(figsize=(width, height), dpi=140, layout="constrained")
    grid = figure.subplots(rows, 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios})
    axes = [row[0] for row in grid]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(True, color="#e6e6e6", linewidth=0.7)
        axis.set_axisbelow(True)
        axis.tick_params(labelsize=10.5, colors=INK)
    return figure, axes


def svg(figure: Figure) -> str:
    """Return a figure as an SVG element that scales with the page; text stays text."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "microvol"}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def png(figure: Figure) -> bytes:
    """Return a figure as PNG bytes."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()


def spread_curve(sigma: F64, half_spread_bps: F64, thresholds: Sequence[float], observed: F64) -> Figure:
    """Draw the half-spread over sigma, the regimes as background and how often each sigma was observed."""
    figure, (axis,) = new_figure(3.6)
    x = sigma * 1e4
    edges = [x[0], *(min(max(t * 1e4, x[0]), x[-1]) for t in thresholds), x[-1]]
    for index, (left, right) in enumerate(pairwise(edges)):
        axis.axvspan(left, right, color=REGIME_COLOURS[index + 1], alpha=0.13, linewidth=0)
    _observed_bars(axis, sigma, observed)
    axis.plot(x, half_spread_bps, color=INK, linewidth=2)
    axis.set_ylim(0, float(half_spread_bps.max()) * 1.15)
    regime_legend(figure, range(1, 5))
    return figure


def spread_curves(sigma: F64, half_spreads_bps: Mapping[str, F64], observed: F64) -> Figure:
    """Draw several half-spreads over sigma, and how often each sigma was observed."""
    figure, (axis,) = new_figure(3.6)
    _observed_bars(axis, sigma, observed)
    for (name, widths), colour, dash in zip(
        half_spreads_bps.items(), (BUY_COLOUR, SELL_COLOUR), ("-", "--"), strict=False
    ):
        axis.plot(sigma * 1e4, widths, color=colour, linestyle=dash, linewidth=2, label=name)
    axis.set_ylim(0, max(float(widths.max()) for widths in half_spreads_bps.values()) * 1.15)
    figure.legend(loc="outside upper right", ncols=len(half_spreads_bps), frameon=False, fontsize=10, **NARROW)
    return figure


def _observed_bars(axis: Axes, sigma: F64, observed: F64) -> None:
    """Draw behind a curve over sigma how often each sigma was observed, and name its axes."""
    x, counts = sigma * 1e4, axis.twinx()
    shown = observed[(observed >= sigma[0]) & (observed <= sigma[-1])] * 1e4
    counts.hist(shown, bins=60, color=MUTED, alpha=0.4)
    counts.set_yticks([])
    counts.spines[["top", "right", "left"]].set_visible(False)
    axis.set_zorder(counts.get_zorder() + 1)
    axis.patch.set_visible(False)
    axis.set_xlim(x[0], x[-1])
    axis.set_xlabel("sigma per sample, bps (bars: how often observed)", **STYLE)
    axis.set_ylabel("half-spread, bps", **STYLE)


def fills_on_mid(path: tuple[I64, F64], quotes: Sequence[tuple[int, int, float, int]], fills: Any) -> Figure:
    """Draw the mid, our quotes (start ns, end ns, price, side) and our fills (`ts`, `price`, `side` columns)."""
    figure, (axis,) = new_figure(3.8)
    keep = decimated(path[1])
    axis.plot(times(path[0][keep]), path[1][keep], color=INK, linewidth=0.9, label="mid")
    for side, colour in ((1, BUY_COLOUR), (-1, SELL_COLOUR)):
        own = [quote for quote in quotes if quote[3] == side]
        starts, ends = times(np.array([q[0] for q in own], np.int64)), times(np.array([q[1] for q in own], np.int64))
        axis.hlines([q[2] for q in own], starts, ends, color=colour, linewidth=1.0, alpha=0.6)
        mine = np.asarray(fills["side"]) == side
        axis.scatter(
            times(np.asarray(fills["ts"])[mine]),
            np.asarray(fills["price"])[mine],
            marker="^" if side > 0 else "v",
            s=34,
            color=colour,
            edgecolor="white",
            linewidth=0.5,
            zorder=3,
            label="buy" if side > 0 else "sell",
        )
    axis.set_ylabel("price, quote currency", **STYLE)
    axis.ticklabel_format(axis="y", useOffset=False)
    time_axis(axis)
    figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=10)
    return figure


def sigma_ribbon(parts: Sequence[tuple[I64, F64, I64]]) -> Figure:
    """Draw sigma over time above a ribbon of the regime in force; `parts` are (ns, sigma, regime) one after another."""
    figure, (axis, ribbon) = new_figure(3.6, 2, (6, 1))
    for ts, sigma, regime in parts:
        keep = decimated(np.nan_to_num(sigma))
        axis.plot(times(ts[keep]), sigma[keep] * 1e4, color=INK, linewidth=1.1)
        draw_ribbon(ribbon, ts, regime)
    axis.set_ylabel("sigma per sample, bps", **STYLE)
    axis.set_ylim(bottom=0)
    time_axis(ribbon)
    regime_legend(figure, sorted({index for _, _, regime in parts for index in regime.tolist()}))
    return figure


def draw_ribbon(axis: Axes, ts: I64, regime: I64) -> None:
    """Draw the regime in force from each moment on as a band of colours."""
    if len(ts) > 1:
        turns = np.concatenate([[0], np.flatnonzero(np.diff(regime)) + 1, [len(ts) - 1]])
        edges = times(ts[turns])
        widths = np.maximum(np.diff(edges), 0)
        colours = [REGIME_COLOURS[int(regime[turn])] for turn in turns[:-1]]
        axis.broken_barh(list(zip(edges[:-1], widths, strict=True)), (0, 1), facecolors=colours, linewidth=0)
    axis.set_yticks([])
    axis.grid(False)
    axis.set_ylabel("regime", **STYLE, rotation=0, ha="right", va="center")


def markout_curve(
    horizons_s: Sequence[float], series: Mapping[str, Sequence[float]], colours: Sequence[str] = SERIES_COLOURS
) -> Figure:
    """Draw mean capture in bps against the time after the fill, one line a series."""
    figure, (axis,) = new_figure(3.4)
    places = np.arange(len(horizons_s))
    for (name, values), colour, marker in zip(series.items(), colours, "osv^", strict=False):
        axis.plot(places, values, color=colour, marker=marker, markersize=5, linewidth=1.6, label=name)
    axis.axhline(0, color=MUTED, linewidth=0.8)
    axis.set_xticks(places, ["fill" if h == 0 else f"{h:g} s" for h in horizons_s])
    axis.set_xlabel("time after the fill", **STYLE)
    axis.set_ylabel("capture, bps of notional", **STYLE)
    if len(series) > 1:
        figure.legend(loc="outside upper right", ncols=len(series), frameon=False, fontsize=10, **NARROW)
    return figure


def paired_bars(labels: Sequence[str], replayed: F64, realised: F64, unit: str) -> Figure:
    """Draw what a replay foretold beside what happened; an unknown value has no bar."""
    figure, (axis,) = new_figure(3.4)
    places = np.arange(len(labels))
    axis.bar(places - 0.2, np.nan_to_num(replayed), 0.38, color="#56B4E9", label="foretold")
    axis.bar(
        places + 0.2, np.nan_to_num(realised), 0.38, color=BUY_COLOUR, label="realised", hatch="//", edgecolor="white"
    )
    axis.axhline(0, color=MUTED, linewidth=0.8)
    axis.set_xticks(places, labels)
    axis.grid(False, axis="x")
    axis.set_ylabel(unit, **STYLE)
    figure.legend(loc="outside upper right", ncols=2, frameon=False, fontsize=10)
    return figure


def decimated(values: F64) -> I64:
    """Return the indices of at most about `MAX_POINTS` values that keep the lowest and highest of each stretch."""
    if len(values) <= MAX_POINTS:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), MAX_POINTS // 2 + 1).astype(np.int64)
    chosen = {0, len(values) - 1}
    for start, end in pairwise(edges):
        chosen |= {start + int(np.argmin(values[start:end])), start + int(np.argmax(values[start:end]))}
    return np.array(sorted(chosen), np.int64)


def times(ts: I64) -> F64:
    """Return times as axes want them: seconds since the epoch."""
    return np.asarray(ts, np.float64) / 1e9


def time_axis(axis: Axes) -> None:
    """Label a time axis in UTC with at most six round times; matplotlib's date locator warns on odd spans."""
    first, last = axis.get_xlim()
    step = next((step for step in STEPS_S if (last - first) / step <= 5), STEPS_S[-1])
    form = "%H:%M:%S" if step < 60 else "%H:%M"
    axis.xaxis.set_major_locator(ticker.MultipleLocator(step))
    axis.xaxis.set_major_formatter(lambda x, _: datetime.fromtimestamp(x, UTC).strftime(form))
    begin = axis.dataLim.x0 if np.isfinite(axis.dataLim.x0) else first
    axis.set_xlabel(f"UTC, {datetime.fromtimestamp(begin, UTC):%Y-%m-%d}", **STYLE)


def regime_legend(figure: Figure, regimes: Sequence[int] | range, place: str = "outside upper right") -> None:
    """Name the colours of regimes beside the axes."""
    patches = [Patch(color=REGIME_COLOURS[index], label=REGIME_NAMES[index]) for index in regimes]
    figure.legend(handles=patches, loc=place, ncols=5, frameon=False, fontsize=10, **NARROW)
