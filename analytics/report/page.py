"""The report's page: figures and plots of a day as one self-contained HTML file."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from matplotlib.figure import Figure

from analytics.metrics.figures import Metrics
from analytics.metrics.markout import HORIZONS_S
from analytics.registry.study_figures import equity_figure, spread_figure
from analytics.report import plots
from analytics.report.daily import Day, VersionDay
from analytics.report.sessions import Stretch

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
MAX_QUOTES: Final = 2_000  # more lines than that are a blur, and a large file
DASH: Final = "–"

# Row of the table "realised beside replayed": metric, words, unit, digits
COMPARED: Final = (
    ("fills", "fills", "", 0),
    ("fill_ratio", "fill ratio", "", 3),
    ("turnover_quote", "turnover", "quote", 2),
    ("total_pnl_quote", "PnL", "quote", 4),
    ("excess_pnl_quote", "PnL above holding", "quote", 4),
    ("spread_capture_quote", "spread capture", "quote", 4),
    ("inventory_pnl_quote", "inventory PnL", "quote", 4),
    ("fees_quote", "fees", "quote", 4),
    ("quoted_capture_bps", "quoted capture", "bps", 3),
    ("realised_capture_5s_bps", "realised capture after 5 s", "bps", 3),
    ("adverse_selection_30s_bps", "adverse selection at 30 s", "bps", 3),
    ("edge_bps", "edge (30 s, less fees)", "bps", 3),
    ("max_drawdown_quote", "largest drawdown", "quote", 4),
    ("inventory_mean_base", "mean inventory", "base", 6),
)


def render(day: Day, moves: Sequence[dict[str, Any]]) -> str:
    """Return the page of a day; `moves` are its promotions, rollbacks and refusals."""
    asset, currency = day.symbol.split(":")[0].split("/")
    return _template().render(
        day=day,
        asset=asset,
        currency=currency,
        units={"quote": currency, "base": asset, "bps": "bps", "": ""},
        cards=_cards(day, currency),
        sessions=[_session_row(stretch) for stretch in day.stretches],
        versions=[_version_block(each) for each in day.versions],
        regimes=_regime_rows(day.overall),
        moves=[move | {"at": _clock(move["at_ns"])} for move in moves],
        plots=_plots(day) if day.stretches else [],
    )


@cache
def _template() -> Template:
    loader = FileSystemLoader(TEMPLATES)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(
        "report.html"
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
    return {"session": stretch.session, "version": str(stretch.version)} | times | counts


def _version_block(each: VersionDay) -> dict[str, Any]:
    live, replayed = each.live.overall, each.replayed.overall if each.replayed else None
    rows = [
        (words, number(live[name], digits), number(replayed[name], digits) if replayed else DASH, unit)
        for name, words, unit, digits in COMPARED
    ]
    names = ("vol_bias", "vol_rmse", "vol_qlike", "vol_samples")
    error = [number(live.get(name, np.nan) * scale, 4) for name, scale in zip(names, (1e4, 1e4, 1, 1), strict=True)]
    return {"version": each.version, "rows": rows, "error": error, "unit": _sigma_unit(each)}


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


def _plots(day: Day) -> list[tuple[str, str]]:
    """Return title and SVG of each plot; time plots show the longest stretch, where versions do not mix."""
    longest = max(day.stretches, key=lambda stretch: stretch.seconds)
    activity = longest.activity
    where = f"session {longest.session}, version {longest.version}"
    figures = []
    if len(activity.samples) > 1:
        figures.append((f"PnL above holding, and inventory ({where})", equity_figure(activity, day.market.info)))
        figures.append((f"Mid, quotes and fills ({where})", _fills_figure(day, longest)))
        figures.append((f"Sigma and regime ({where})", _sigma_figure(longest)))
    for each in day.versions:
        if each.parameters is not None:
            observed = np.concatenate([stretch.activity.samples["sigma"] for stretch in each.stretches])
            figure = spread_figure(each.parameters, observed[np.isfinite(observed)])
            figures.append((f"Half-spread over sigma, version {each.version}", figure))
    if day.overall.overall["fills"] > 0:
        figures.append(("Capture after a fill", _markout_figure(day.overall)))
    figures += [
        (f"Replayed and realised, version {each.version}", _bars(each.replayed, each.live))
        for each in day.versions
        if each.replayed is not None
    ]
    return [(title, plots.svg(figure)) for title, figure in figures]


def _fills_figure(day: Day, stretch: Stretch) -> Figure:
    activity, tick = stretch.activity, float(day.market.info.tick_size)
    orders = activity.orders[activity.orders["outcome"] != 3]
    shown = orders[orders["level"] == orders["level"].min()][-MAX_QUOTES:] if len(orders) else orders
    quotes = [
        (int(row["placed_ns"]), int(row["ended_ns"]), float(row["price_ticks"]) * tick, int(row["side"]))
        for row in shown
    ]
    fills = {
        "ts": activity.fills["exch_ts"],
        "price": activity.fills["price_ticks"] * tick,
        "side": activity.fills["side"],
    }
    return plots.fills_on_mid((activity.samples["ts"], activity.samples["mid_ticks"] * tick), quotes, fills)


def _sigma_figure(stretch: Stretch) -> Figure:
    samples = stretch.activity.samples
    return plots.sigma_ribbon(samples["ts"], samples["sigma"], samples["regime"].astype(np.int64))


def _markout_figure(metrics: Metrics) -> Figure:
    figures = metrics.overall
    at_fill = 1e4 * figures["spread_capture_quote"] / figures["turnover_quote"]
    after = [figures[f"realised_capture_{h}s_bps"] for h in HORIZONS_S]
    return plots.markout_curve((0, *HORIZONS_S), {"realised capture": [at_fill, *after]})


def _bars(replayed: Metrics, live: Metrics) -> Figure:
    names = ["quoted_capture_bps", *(f"realised_capture_{h}s_bps" for h in HORIZONS_S), "edge_bps"]
    labels = ["quoted", *(f"{h} s" for h in HORIZONS_S), "edge"]
    values = [np.array([metrics.overall[name] for name in names]) for metrics in (replayed, live)]
    return plots.paired_bars(labels, values[0], values[1], "bps of notional")


def number(value: float, digits: int, signed: bool = False) -> str:
    """Return a number for a person; one that is not known is a dash."""
    if not np.isfinite(value):
        return DASH
    return f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"


def _clock(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%H:%M:%S")
