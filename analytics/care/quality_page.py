"""The page of the data's quality: a heat-map of coverage and a table of figures a symbol, one self-contained file."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import matplotlib
import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analytics.care.quality import Quality
from analytics.report import plots
from analytics.report.templating import template
from analytics.report.words import DASH

F64 = NDArray[np.float64]

HOURS: Final = 24
MAX_DAYS: Final = 366  # the newest so many of each symbol are drawn

# Column of the table: name, words, digits
COLUMNS: Final = (
    ("coverage", "coverage, %", 1),
    ("gaps", "gaps", 0),
    ("gap_s", "gap, s", 1),
    ("crossed_s", "crossed, s", 1),
    ("trade_holes", "trade-id holes", 0),
    ("trades_missing", "trades missing", 0),
    ("updates_per_s", "updates per s", 2),
    ("latency_ms", "latency, ms", 1),
    ("updates", "updates", 0),
    ("trades", "trades", 0),
    ("tickers", "tickers", 0),
)


def write_page(found: Quality, path: Path) -> Path:
    """Write the page to a file whose folder exists, replacing what is there."""
    path.write_text(render(found), encoding="utf-8")
    return path


def render(found: Quality) -> str:
    """Return the page."""
    symbols = [_symbol(found, *place) for place in found.days.select("venue", "symbol").unique().sort("*").rows()]
    return template("data.html").render(symbols=symbols, columns=[words for _, words, _ in COLUMNS])


def _symbol(found: Quality, venue: str, symbol: str) -> dict[str, Any]:
    days = found.days.filter(venue=venue, symbol=symbol).sort("day")
    first, shares = hourly(found.hours.filter(venue=venue, symbol=symbol))
    rows = [(str(row["day"]), *(_cell(row, name, digits) for name, _, digits in COLUMNS)) for row in days.to_dicts()]
    return {"name": f"{symbol} on {venue}", "rows": rows, "picture": plots.svg(heat_map(first, shares))}


def _cell(row: dict[str, Any], name: str, digits: int) -> str:
    value = row[name]
    if value is None:
        return DASH
    return f"{100 * value if name == 'coverage' else value:,.{digits}f}"


def hourly(hours: pl.DataFrame) -> tuple[date, F64]:
    """Return the first day and, a row a day and a column an hour, the share of minutes with data of one symbol.

    Days without data between the first and the last are rows of zeros.
    """
    last: date = hours["day"].max()  # type: ignore[assignment]
    first: date = max(hours["day"].min(), last - timedelta(days=MAX_DAYS - 1))  # type: ignore[type-var, assignment]
    shares = np.zeros(((last - first).days + 1, HOURS))
    for day, hour, minutes in hours.select("day", "utc_hour", "covered_minutes").iter_rows():
        if day >= first:
            shares[(day - first).days, hour] = minutes / 60
    return first, shares


def heat_map(first: date, shares: F64) -> Figure:
    """Draw coverage (0 to 1, days by hours) from white, nothing, to dark, every minute."""
    days = len(shares)
    figure, (axis,) = plots.new_figure(1.5 + 0.13 * days, width=plots.WIDTH_IN * 1.4)
    axis.grid(False)
    colours = matplotlib.colormaps["cividis_r"].with_extremes(under="white")
    image = axis.imshow(shares, cmap=colours, vmin=1e-9, vmax=1, aspect="auto", interpolation="nearest")
    step = max(1, days // 12)
    places = range(0, days, step)
    axis.set_yticks(list(places), [str(first + timedelta(days=place)) for place in places])
    axis.set_xticks(range(0, HOURS, 3), [f"{hour:02}" for hour in range(0, HOURS, 3)])
    axis.set_xlabel("hour of the day, UTC", **plots.STYLE)
    axis.set_title("share of each hour's minutes with data; white is none", size=10, loc="left")
    figure.colorbar(image, ax=axis, ticks=[0.5, 1.0], fraction=0.04)
    return figure
