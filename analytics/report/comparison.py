"""Two parameter sets side by side: what differs in them, what is known of them, and both over the same window."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from analytics.metrics.curves import half_spread_curve
from analytics.metrics.markout import HORIZONS_S
from analytics.report import plots, study_plots
from analytics.report.path_plots import paths, walked
from analytics.report.replayed import Replayed
from analytics.report.sides import Gate, Side
from analytics.report.templating import template
from analytics.report.words import COMPARED, DASH, coins, moment, number, units_of
from strategy.policies.dotted import flat

LIVE_WORDS: Final = (
    ("days", "days live", 0),
    ("fills", "fills", 0),
    ("turnover_quote", "turnover", 2),
    ("total_pnl_quote", "PnL", 4),
    ("edge_bps", "edge, bps", 3),
)
PART_WORDS: Final = {"held_out": "held out", "validation": "on validation", "": "nothing logged"}


@dataclass(frozen=True, slots=True)
class Compared:
    """Two sides, each replayed over one window with the same costs."""

    sides: tuple[Side, Side]
    replays: tuple[Replayed, Replayed]

    @property
    def names(self) -> tuple[str, str]:
        """Return what the sides are called; two of one name are told apart."""
        first, second = (each.name for each in self.sides)
        return (first, second) if first != second else (f"{first}, A", f"{second}, B")


def parameter_rows(compared: Compared) -> list[tuple[str, str, str]]:
    """Return name and both values of every parameter that differs; one that a side lacks is a dash."""
    first, second = (flat(each.parameters) for each in compared.sides)
    names = list(dict.fromkeys((*first, *second)))
    return [
        (name, _said(first.get(name, DASH)), _said(second.get(name, DASH)))
        for name in names
        if first.get(name, DASH) != second.get(name, DASH)
    ]


def figure_rows(compared: Compared) -> list[tuple[str, str, str, str, str]]:
    """Return words, both sides' figures over the window, second less first, and the unit."""
    units = units_of(compared.replays[0].info.symbol)
    first, second = (each.metrics.overall for each in compared.replays)
    return [
        (
            words,
            number(first[name], digits),
            number(second[name], digits),
            number(second[name] - first[name], digits, signed=True),
            units[unit],
        )
        for name, words, unit, digits in COMPARED
    ]


def render(compared: Compared) -> str:
    """Return the page."""
    info, (start, end) = compared.replays[0].info, compared.replays[0].window
    offset = info.clock_offset_ns
    return template("compare.html").render(
        info=info,
        names=compared.names,
        sides=compared.sides,
        window=(moment(start + offset), moment(end + offset)),
        parameters=parameter_rows(compared),
        same=len(flat(compared.sides[0].parameters)),
        figures=figure_rows(compared),
        logged=_logged_rows(compared),
        parts=[PART_WORDS[each.part] for each in compared.sides],
        live=_live_rows(compared),
        gates=_gate_rows(*(each.gates for each in compared.sides)),
        plots=[(title, plots.svg(figure)) for title, figure in _figures(compared)],
    )


def _said(value: Any) -> str:
    """Return a value for a person; a list item by item."""
    if isinstance(value, list | tuple):
        return "(" + ", ".join(_said(each) for each in value) + ")"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _logged_rows(compared: Compared) -> list[tuple[str, ...]]:
    units = units_of(compared.replays[0].info.symbol)
    first, second = (each.figures for each in compared.sides)
    return [
        (words, *(number(side.get(name, np.nan), digits) for side in (first, second)), units[unit])
        for name, words, unit, digits in COMPARED
        if name in first or name in second
    ]


def _live_rows(compared: Compared) -> list[tuple[str, ...]]:
    first, second = (each.live for each in compared.sides)
    if not first and not second:
        return []
    return [
        (words, *(number(side.get(name, np.nan), digits) for side in (first, second)))
        for name, words, digits in LIVE_WORDS
    ]


def _gate_rows(first: Sequence[Gate], second: Sequence[Gate]) -> list[tuple[str, str, str, str, str]]:
    """Return gate, and verdict and value of both sides; a gate that one was not asked is a dash."""
    known = [{gate[0]: (gate[1], _said(gate[2])) for gate in gates} for gates in (first, second)]
    nothing = (DASH, DASH)
    names = dict.fromkeys(name for each in known for name in each)
    return [(name, *known[0].get(name, nothing), *known[1].get(name, nothing)) for name in names]


def _figures(compared: Compared) -> list[tuple[str, Figure]]:
    names, replays = compared.names, compared.replays
    info, sides = replays[0].info, dict(zip(names, compared.sides, strict=True))
    series = {name: walked([(each.activity, None)], info) for name, each in zip(names, replays, strict=True)}
    metrics = {name: each.metrics for name, each in zip(names, replays, strict=True)}
    colours = dict(zip(names, (plots.BUY_COLOUR, plots.SELL_COLOUR), strict=True))
    found = [("Half-spread over sigma", _widths(sides, replays))]
    if all(series.values()):
        found.append(("PnL above holding, and inventory", paths(series, (), coins(info.symbol))))
    captures = {name: each.captures for name, each in metrics.items()}
    found.append(("Capture after a fill", plots.markout_curve((0, *HORIZONS_S), captures, tuple(colours.values()))))
    regimes = {name: each.regimes for name, each in metrics.items()}
    found.append(("Orders with a fill by regime", study_plots.fill_ratios(regimes, colours)))
    return found


def _widths(sides: dict[str, Side], replays: Sequence[Replayed]) -> Figure:
    """Return both curves over the sigmas that matter: to well beyond what was observed and every threshold."""
    observed = np.concatenate([each.result.samples["sigma"] for each in replays])
    observed = observed[np.isfinite(observed)]
    usual = float(np.quantile(observed, 0.995)) if len(observed) else 0.0
    last = max(each.parameters.regimes.thresholds[-1] for each in sides.values())
    sigma = np.linspace(0.0, 1.3 * max(usual, last), 400)
    curves = {name: half_spread_curve(each.parameters, sigma) for name, each in sides.items()}
    return plots.spread_curves(sigma, curves, observed)
