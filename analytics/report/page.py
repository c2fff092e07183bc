"""The report's page: figures and plots of a day as one self-contained HTML file."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from analytics.metrics.figures import Metrics
from analytics.report import plots
from analytics.report.daily import Day, VersionDay
from analytics.report.day_figures import day_figures
from analytics.report.difference import CAUSES, Split
from analytics.report.sessions import Stretch
from analytics.report.shadow_table import shadow_table
from analytics.report.templating import template
from analytics.report.words import CAUSE_WORDS, COMPARED, coins, number, units_of

SIGMA_ERRORS: Final = {"vol_bias": 1e4, "vol_rmse": 1e4, "vol_qlike": 1.0}  # and what they are shown in units of


def drawn(day: Day) -> list[tuple[str, str]]:
    """Return title and SVG of each plot of a day; without live quoting there is none."""
    return [(title, plots.svg(figure)) for title, figure in day_figures(day)] if day.stretches else []


def render(day: Day, moves: Sequence[dict[str, Any]], pictures: Sequence[tuple[str, str]]) -> str:
    """Return the page of a day; `moves` are its promotions, rollbacks and refusals."""
    asset, currency = coins(day.symbol)
    splits = {split.version: split for split in day.splits}
    return template("report.html").render(
        day=day,
        asset=asset,
        currency=currency,
        units=units_of(day.symbol),
        cards=_cards(day, currency),
        sessions=[_session_row(stretch) for stretch in day.stretches],
        versions=[_version_block(each, splits.get(each.version)) for each in day.versions],
        causes=[CAUSE_WORDS[cause] for cause in CAUSES],
        regimes=_regime_rows(day.overall),
        shadows=shadow_table(day) if day.shadows else [],
        moves=[move | {"at": _clock(move["at_ns"])} for move in moves],
        plots=pictures,
    )


def _cards(day: Day, currency: str) -> list[tuple[str, str, str]]:
    figures = day.overall.overall
    hours = sum(stretch.seconds for stretch in day.stretches) / 3600
    return [
        ("PnL", number(figures["total_pnl_quote"], 4, signed=True), currency),
        ("PnL above holding", number(figures["excess_pnl_quote"], 4, signed=True), currency),
        ("Edge after 30 s", number(figures["edge_bps"], 2, signed=True), "bps"),
        ("Fills", number(figures["fills"], 0), f"of {number(figures['orders'], 0)} quotes"),
        ("Turnover", number(figures["turnover_quote"], 2), currency),
        ("Quoting", number(hours, 2), "hours"),
    ]


def _session_row(stretch: Stretch) -> dict[str, str]:
    activity = stretch.activity
    times = {"start": _clock(activity.start_ns), "end": _clock(activity.end_ns)}
    counts = {"orders": str(len(activity.orders)), "fills": str(len(activity.fills))}
    size = f" (size {stretch.size_factor:g})" if stretch.size_factor < 1 else ""
    return {"session": stretch.session, "version": f"{stretch.version}{size}"} | times | counts


def _version_block(each: VersionDay, split: Split | None) -> dict[str, Any]:
    found = [each.live.overall.get(name, np.nan) * scale for name, scale in SIGMA_ERRORS.items()]
    error = [number(value, 4) for value in found] if np.isfinite(found).all() else []
    rows = _split_rows(split) if split else _live_rows(each)
    return {"version": each.version, "rows": rows, "split": split, "error": error, "unit": _sigma_unit(each)}


def _live_rows(each: VersionDay) -> list[tuple[str, ...]]:
    return [(words, number(each.live.overall[name], digits), unit) for name, words, unit, digits in COMPARED]


def _split_rows(split: Split) -> list[tuple[str, ...]]:
    """Return what was foretold of a version, what came of it, and what each cause made of the difference."""
    rows = []
    for name, words, unit, digits in COMPARED:
        shares = (number(split.share(cause, name), digits, signed=True) for cause in CAUSES)
        ends = (number(each.overall[name], digits) for each in (split.foretold, split.live))
        rows.append((words, *ends, *shares, unit))
    return rows


def _sigma_unit(each: VersionDay) -> str:
    mode = each.parameters.volatility.get("vol_mode", "percentage") if each.parameters else "percentage"
    return "bps" if mode == "percentage" else "1e-4 quote"


def _regime_rows(metrics: Metrics) -> list[tuple[str, ...]]:
    rows = []
    for name, figures in metrics.regimes.items():
        shown = [
            (figures["occupancy"] * 100, 1),
            (figures["orders"], 0),
            (figures["fills"], 0),
            (figures["fill_ratio"], 3),
            (figures["quoted_capture_bps"], 2),
            (figures["edge_bps"], 2),
            (figures["pnl_quote"], 4),
        ]
        rows.append((name, *(number(value, digits) for value, digits in shown)))
    return rows


def _clock(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%H:%M:%S")
