"""One replay at a glance: mid with our fills, what was earned, what was held, and the regime in force."""

from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analytics.metrics.activity import Activity, Marks, walk
from analytics.metrics.markout import MidPath
from analytics.report import plots
from strategy.kernel.records import BUY, SELL
from strategy.replay.tape import TapeInfo

WIDTH_IN: Final = 10.0
HEIGHT_IN: Final = 8.4
CROWDED: Final = 300  # fills; more are drawn smaller


def replay_figure(title: str, activity: Activity, path: MidPath, info: TapeInfo) -> Figure:
    """Draw a replay; `path` is the venue's mid over its window."""
    figure, (price, money, held, ribbon) = plots.new_figure(HEIGHT_IN, 4, (10, 7, 4, 1), WIDTH_IN)
    asset, currency = info.symbol.split(":")[0].split("/")
    marks = walk(activity)
    _draw_fills(price, activity.fills, path, float(info.tick_size), currency)
    _draw_money(money, activity, marks, float(info.tick_size) * float(info.lot_size), currency)
    _draw_inventory(held, activity, marks, float(info.lot_size), asset)
    regime = activity.samples["regime"].astype(np.int64)
    plots.draw_ribbon(ribbon, activity.samples["ts"], regime)
    ribbon.set_xlim(
        *plots.times(np.array([activity.start_ns, max(activity.end_ns, activity.start_ns + 1_000_000_000)]))
    )
    plots.time_axis(ribbon)
    figure.align_ylabels([price, money, held])
    plots.regime_legend(figure, sorted(set(regime.tolist())), "outside lower right")
    figure.suptitle(title, fontsize=12, x=0.01, ha="left")
    return figure


def _draw_fills(axis: Axes, fills: NDArray[Any], path: MidPath, tick: float, currency: str) -> None:
    keep = plots.decimated(path.mid)
    axis.plot(plots.times(path.ts[keep]), path.mid[keep] * tick, color=plots.INK, linewidth=0.9, label="mid")
    size = 40 if len(fills) <= CROWDED else 14
    for side, colour, marker, name in ((BUY, plots.BUY_COLOUR, "^", "buy"), (SELL, plots.SELL_COLOUR, "v", "sell")):
        own = fills[fills["side"] == side]
        made = own["maker"] == 1
        dots: dict[str, Any] = {"marker": marker, "s": size, "linewidth": 0.8, "zorder": 3}
        for mask, words, face in ((made, name, colour), (~made, f"{name}, taken", "white")):
            if mask.any():
                x, y = plots.times(own["exch_ts"][mask]), own["price_ticks"][mask] * tick
                axis.scatter(x, y, color=face, edgecolor=colour, label=f"{words} ({mask.sum()})", **dots)
    axis.set_ylabel(f"price, {currency}", **plots.STYLE)
    axis.ticklabel_format(axis="y", useOffset=False)
    _legend(axis)


def _draw_money(axis: Axes, activity: Activity, marks: Marks, atom: float, currency: str) -> None:
    """Draw the change of the account's worth, and what of it is not due to the holdings at the start."""
    start = activity.start_quote_atoms + activity.start_base_lots * activity.start_mid_ticks
    total = (marks.equity - start) * atom
    above = total - activity.start_base_lots * (marks.mid - activity.start_mid_ticks) * atom
    for values, colour, words in ((total, plots.MUTED, "equity"), (above, plots.BUY_COLOUR, "above holding")):
        keep = plots.decimated(values)
        axis.plot(plots.times(marks.ts[keep]), values[keep], color=colour, linewidth=1.3, label=words)
    axis.axhline(0, color=plots.MUTED, linewidth=0.8)
    axis.set_ylabel(f"PnL, {currency}", **plots.STYLE)
    _legend(axis)


def _draw_inventory(axis: Axes, activity: Activity, marks: Marks, lot: float, asset: str) -> None:
    ts = np.concatenate([[activity.start_ns], marks.ts, [activity.end_ns]])
    base = np.concatenate([[activity.start_base_lots], marks.position, marks.position[-1:]]) * lot
    ts = ts[: len(base)]
    keep = plots.decimated(base)
    axis.step(plots.times(ts[keep]), base[keep], where="post", color=plots.INK, linewidth=1.2)
    axis.set_ylabel(f"{asset} held", **plots.STYLE)


def _legend(axis: Axes) -> None:
    """Name what is drawn above the axes, where it hides nothing."""
    axis.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=5, frameon=False, fontsize=10)
