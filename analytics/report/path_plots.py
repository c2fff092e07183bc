"""What was earned and held over time, several activities after another, and several series over each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analytics.metrics.activity import Activity, excess, walk
from analytics.metrics.targets import target_base
from analytics.report import plots
from strategy.policies.parameters import ParameterSet
from strategy.replay.tape import TapeInfo

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
COLOURS: Final = (plots.BUY_COLOUR, plots.SELL_COLOUR, "#009E73", "#CC79A7")
SHARE_DIGITS: Final = 9
NAME_ROWS: Final = 2
NAME_SHARE: Final = 0.08  # of the width, which the name of a turn takes
DASHES: Final = ("-", (0, (4, 1.6)), "-", "-")  # the second of two series still shows where they lie on each other


@dataclass(frozen=True, slots=True)
class Walked:
    """One activity: PnL above holding since the first one began, holding and target (None: none) at moments (ns)."""

    ts: I64
    excess: F64
    base: F64
    target: F64 | None


def walked(stretches: Sequence[tuple[Activity, ParameterSet | None]], info: TapeInfo) -> list[Walked]:
    """Return activities in their order, each with the set that was in force, where it is known."""
    found, before = [], 0.0
    for activity, parameters in stretches:
        marks = walk(activity)
        if len(marks.ts) < 2:
            continue
        earned = before + excess(activity, marks) * float(info.tick_size) * float(info.lot_size)
        target = None if parameters is None else target_base(parameters, marks, info)
        found.append(Walked(marks.ts, earned, marks.position * float(info.lot_size), target))
        before = float(earned[-1])
    return found


def paths(series: Mapping[str, Sequence[Walked]], turns: Sequence[tuple[str, int]], coins: tuple[str, str]) -> Figure:
    """Draw PnL above holding over the inventory with its target; `turns` are what took over when (ns), in order.

    `coins` are base and quote. The target is the first series'.
    """
    figure, (money, held) = plots.new_figure(4.4, 2, (3, 2))
    for (name, parts), colour, dash in zip(series.items(), COLOURS, DASHES, strict=False):
        for i, part in enumerate(parts):
            label = name if i == 0 else None
            keep = plots.decimated(part.excess)
            money.plot(
                plots.times(part.ts[keep]), part.excess[keep], color=colour, linestyle=dash, linewidth=1.4, label=label
            )
            keep = plots.decimated(part.base)
            x = plots.times(part.ts[keep])
            held.step(x, part.base[keep], where="post", color=colour, linestyle=dash, linewidth=1.2)
    _draw_targets(held, next(iter(series.values()), ()))
    _draw_turns(money, held, turns)
    money.axhline(0, color=plots.MUTED, linewidth=0.8)
    money.set_ylabel(f"PnL, {coins[1]}", **plots.STYLE)
    held.set_ylabel(f"{coins[0]} held", **plots.STYLE)
    plots.time_axis(held)
    figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=10)
    return figure


def _draw_targets(axis: Axes, parts: Sequence[Walked]) -> None:
    dotted: dict[str, Any] = {"color": plots.INK, "linestyle": ":", "linewidth": 1.3}
    label: str | None = "target"
    for part in parts:
        if part.target is not None:
            keep = plots.decimated(part.target)
            axis.plot(plots.times(part.ts[keep]), part.target[keep], label=label, **dotted)
            label = None


def _draw_turns(money: Axes, held: Axes, turns: Sequence[tuple[str, int]]) -> None:
    """Mark each turn, its name above. Names that would meet stand in rows; one without room is left to its line."""
    first, last = money.get_xlim()
    taken = [-np.inf] * NAME_ROWS
    for name, at_ns in turns:
        at = float(plots.times(np.array([at_ns]))[0])
        for axis in (money, held):
            axis.axvline(at, color=plots.MUTED, linewidth=0.9, linestyle="--")
        share = (at - first) / (last - first)
        row = next((i for i, until in enumerate(taken) if until <= share), None)
        if row is None:
            continue
        taken[row] = share + NAME_SHARE
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "center"}
        money.annotate(name, (share, 1.0), xytext=(0, 3 + 12 * row), fontsize=9.5, color=plots.MUTED, **place)


def shares_of_difference(labels: Sequence[str], values: F64, unit: str) -> Figure:
    """Draw how a figure came from what was foretold (first value) by the shares of causes (between) to the last one.

    The last value is the sum of all others; a share that is not known (nan) is a gap.
    """
    figure, (axis,) = plots.new_figure(3.4)
    axis.use_sticky_edges = False
    values = np.round(values, SHARE_DIGITS)
    steps, reached = np.nan_to_num(values[1:-1]), float(values[0])
    bottoms = np.concatenate([[0.0], reached + np.concatenate([[0.0], np.cumsum(steps)[:-1]]), [0.0]])
    heights = np.concatenate([[reached], steps, [float(values[-1])]])
    whole = [plots.MUTED, *(plots.BUY_COLOUR if step >= 0 else plots.SELL_COLOUR for step in steps), plots.INK]
    bars = axis.bar(range(len(values)), heights, 0.62, bottom=bottoms, color=whole)
    signs = ["", *["+"] * len(steps), ""]
    words = [
        f"{value:{sign}.3g}" if np.isfinite(value) else "unknown" for value, sign in zip(values, signs, strict=True)
    ]
    axis.bar_label(bars, words, fontsize=10, color=plots.INK, padding=2)
    axis.axhline(0, color=plots.MUTED, linewidth=0.8)
    axis.set_xticks(range(len(values)), labels)
    axis.grid(False, axis="x")
    axis.margins(y=0.16)
    axis.set_ylabel(unit, **plots.STYLE)
    return figure
