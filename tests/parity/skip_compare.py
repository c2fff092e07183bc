"""Two replays of one case, where they first differ, and what happened in them."""

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any, Final

import numpy as np

from strategy.kernel.records import ENTRY, KILL_NAMES, PURPOSE_NAMES, REASON_NAMES, REGIME_NAMES, TAKE_PROFIT
from strategy.kernel.state import Records
from strategy.replay import rows
from strategy.replay.driver import ReplayResult, replay
from tests.parity.skip_cases import Case, case, parameters_of

TABLES: Final = ("fills", "orders", "decisions", "samples")
NUMBERS: Final = (
    "start_base_lots",
    "start_quote_atoms",
    "end_base_lots",
    "end_quote_atoms",
    "start_mid_ticks",
    "end_mid_ticks",
)
OUTCOMES: Final = {rows.OPEN: "open", rows.FILLED: "filled", rows.CANCELLED: "cancelled", rows.REJECTED: "rejected"}


@cache
def compared(seed: int) -> tuple[str, Counter[str]]:
    """Return where the two drivers first differ on the case of a seed, "" = nowhere, and the reference's tally."""
    return differences(case(seed))


def differences(given: Case) -> tuple[str, Counter[str]]:
    """Return where skipping first differs from the reference, orders recorded and not, and the reference's tally."""
    reference = replayed(given, "reference")
    found = first_difference(reference, replayed(given, "skip"))
    unrecorded = first_difference(without_orders(reference), replayed(given, "skip", record_orders=False))
    return "\n".join(filter(None, [found, unrecorded and f"without orders: {unrecorded}"])), tally(reference)


def without_orders(result: ReplayResult) -> ReplayResult:
    """Return a result as it has to be where orders are not recorded; how many there were is counted from their rows."""
    orders, counts = result.orders, np.zeros_like(result.order_counts)
    rests, refused = np.isin(orders["purpose"], (ENTRY, TAKE_PROFIT)), orders["outcome"] == rows.REJECTED
    filled = orders["filled_lots"] > 0
    for kind, which in enumerate((rests & ~refused, rests & refused, rests & filled, ~rests)):
        np.add.at(counts[:, kind], orders["regime"][which].astype(np.int64), 1)
    return replace(result, orders=orders[:0], order_counts=counts)


def replayed(given: Case, driver: str, **changed: Any) -> ReplayResult:
    """Replay a case by one of the drivers, with some assumptions changed."""
    config = replace(given.config, driver=driver, **changed)
    return replay(given.tape, given.info, parameters_of(given), config)


def first_difference(reference: ReplayResult, other: ReplayResult) -> str:
    """Return the earliest difference of the tables and all of the numbers' as lines, "" when there is none."""
    tables = [_table_difference(name, getattr(reference, name), getattr(other, name)) for name in TABLES]
    numbers = {name: (getattr(reference, name), getattr(other, name)) for name in NUMBERS}
    numbers |= {name: (reference.counters.get(name), other.counters.get(name)) for name in _counters(reference, other)}
    numbers["order_counts"] = reference.order_counts.ravel(), other.order_counts.ravel()
    lines = [f"{name}: reference {a}, other {b}" for name, (a, b) in numbers.items() if not _same(a, b)]
    return "\n".join([line for line in tables if line] + lines)


def _counters(reference: ReplayResult, other: ReplayResult) -> list[str]:
    return sorted({*reference.counters, *other.counters})


def _same(a: Any, b: Any) -> bool:
    """Return whether two numbers are bit-equal, any nan being equal to any other."""
    if a is None or b is None:
        return a is b
    first, second = np.atleast_1d(a), np.atleast_1d(b)
    return bool(_same_rows(first, second).all()) if first.dtype == second.dtype else False


def _same_rows(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return for each row (N,) or (N, k) whether all of it is bit-equal; 0.0 is not -0.0, nan is nan."""
    same = a == b
    if a.dtype.kind == "f":
        same = (same & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))
    return np.all(same, axis=tuple(range(1, same.ndim)))


def _table_difference(name: str, reference: Records, other: Records) -> str:
    """Return the first row that differs, with each field that does; then the row after the shorter table's end."""
    if reference.dtype != other.dtype:
        return f"{name}: dtype {other.dtype}, the reference has {reference.dtype}"
    shared = min(len(reference), len(other))
    a, b = reference[:shared], other[:shared]
    same = {field: _same_rows(a[field], b[field]) for field in reference.dtype.names or ()}
    differing = ~np.all(list(same.values()), axis=0)
    sizes = f"{name} ({len(reference)} rows, other {len(other)})"
    if differing.any():
        row = int(np.argmax(differing))
        fields = [f"{field} {a[field][row]} | {b[field][row]}" for field in same if not same[field][row]]
        return f"{sizes}: {int(differing.sum())} differ, first row {row}: {', '.join(fields)}\n  {a[row]}\n  {b[row]}"
    if len(reference) == len(other):
        return ""
    longer = reference if len(reference) > shared else other
    who = "reference" if longer is reference else "other"
    return (
        f"{sizes}: only the {who} has row {shared}: {dict(zip(longer.dtype.names or (), longer[shared], strict=True))}"
    )


def tally(result: ReplayResult) -> Counter[str]:
    """Count what happened in a replay: counters, orders by purpose and outcome, regimes, fills of every kind."""
    counts = Counter({name: value for name, value in result.counters.items() if value > 0})
    orders, fills = result.orders, result.fills
    for purpose, outcome in zip(orders["purpose"].tolist(), orders["outcome"].tolist(), strict=True):
        counts[f"{PURPOSE_NAMES[purpose]} {OUTCOMES[outcome]}"] += 1
    for regime in np.unique(result.samples["regime"]).tolist():
        counts[f"regime {REGIME_NAMES[regime]}"] += 1
    left = (orders["filled_lots"] > 0) & (orders["filled_lots"] < orders["qty_lots"])
    counts["partly filled"] += int(left.sum())
    counts["filled in parts"] += (
        int((np.bincount(fills["order_id"][fills["maker"] == 1]) > 1).sum()) if len(fills) else 0
    )
    counts["lost races"] += _lost_races(result)
    counts["maker fills"] += int((fills["maker"] == 1).sum())
    for cause in np.unique(result.decisions["kill"]).tolist():
        counts[f"killed {KILL_NAMES[cause]}"] += 1 if cause else 0
    for reason, name in REASON_NAMES.items():
        counts[f"reason {name}"] += int((result.decisions["reasons"] & reason != 0).sum())
    return +counts


def _lost_races(result: ReplayResult) -> int:
    """Return how many cancels came too late, at least: those sent, less all orders that ended so or not at all."""
    resting = np.isin(result.orders["purpose"], (ENTRY, TAKE_PROFIT))
    ended_so = resting & np.isin(result.orders["outcome"], (rows.CANCELLED, rows.OPEN))
    return max(result.counters["cancels"] - int(ended_so.sum()), 0)
