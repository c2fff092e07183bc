"""Figures in words for people: what each is called, its unit and digits, and numbers as they stand in pages."""

from datetime import UTC, datetime
from typing import Final

import numpy as np

from analytics.report.difference import DECISION, FILL_MODEL, LATENCY, VENUE

DASH: Final = "–"
CAUSE_WORDS: Final = {DECISION: "decisions", LATENCY: "latency", FILL_MODEL: "fill model", VENUE: "venue, rest"}

COMPARED: Final = (  # rows of tables of figures: metric, words, unit, digits
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


def coins(symbol: str) -> tuple[str, str]:
    """Return base and quote of a symbol."""
    base, quote = symbol.split(":")[0].split("/")
    return base, quote


def units_of(symbol: str) -> dict[str, str]:
    """Return the units of `COMPARED` as they are called for a symbol."""
    base, quote = coins(symbol)
    return {"quote": quote, "base": base, "bps": "bps", "": ""}


def number(value: float, digits: int, signed: bool = False) -> str:
    """Return a number for a person; one that is not known is a dash, one that rounds to zero has no sign."""
    if not np.isfinite(value):
        return DASH
    shown = round(value, digits) or 0.0
    return f"{shown:+,.{digits}f}" if signed and shown else f"{shown:,.{digits}f}"


def moment(ns: int) -> str:
    """Return a moment as a person reads it, UTC."""
    return f"{datetime.fromtimestamp(ns // 10**9, UTC):%Y-%m-%d %H:%M:%S}"
