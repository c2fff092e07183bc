"""A day in Markdown, for the page of the flow run that made its report: figures, and the plots as pictures in it."""

from base64 import b64encode
from collections.abc import Sequence

from analytics.report.daily import Day
from analytics.report.difference import CAUSES, Split
from analytics.report.words import CAUSE_WORDS, COMPARED, number, units_of


def digest(day: Day, pictures: Sequence[tuple[str, str]], where: str) -> str:
    """Return the day's figures, their differences by cause and its plots (title, SVG).

    `where` says where the whole page is.
    """
    lines = [f"# {day.symbol} on {day.venue}, {day.day}", ""]
    lines += [f"> {note}\n" for note in day.notes]
    if not day.stretches:
        lines += ["Nothing was quoted live on this day.", ""]
    figures = day.overall.overall
    currency = units_of(day.symbol)["quote"]
    if day.stretches:
        earned = f"**PnL {number(figures['total_pnl_quote'], 4, signed=True)} {currency}**"
        traded = f"{number(figures['fills'], 0)} fills of {number(figures['orders'], 0)} quotes"
        lines += [f"{earned}, {traded}, edge {number(figures['edge_bps'], 2, signed=True)} bps.", ""]
    for split in day.splits:
        lines += [f"## Version {split.version}: foretold, and what came of it", "", *_table(split, day.symbol), ""]
    lines += [f"**{title}**\n\n![{title}](data:image/svg+xml;base64,{_encoded(svg)})\n" for title, svg in pictures]
    return "\n".join([*lines, where])


def _encoded(svg: str) -> str:
    return b64encode(svg.encode()).decode()


def _table(split: Split, symbol: str) -> list[str]:
    units = units_of(symbol)
    head = ["figure", "foretold", "realised", *(CAUSE_WORDS[cause] for cause in CAUSES), "unit"]
    rows = [head, ["---", *["---:"] * (len(head) - 2), "---"]]
    for figure, words, unit, digits in COMPARED:
        ends = (number(each.overall[figure], digits) for each in (split.foretold, split.live))
        shares = (number(split.share(cause, figure), digits, signed=True) for cause in CAUSES)
        rows.append([words, *ends, *shares, units[unit]])
    return ["| " + " | ".join(row) + " |" for row in rows]
