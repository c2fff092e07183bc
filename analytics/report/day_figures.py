"""The plots of one day's report, each with its title."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analytics.metrics.activity import Activity
from analytics.metrics.figures import Metrics, measure
from analytics.metrics.markout import HORIZONS_S
from analytics.registry.study_figures import spread_figure
from analytics.report import plots, study_plots
from analytics.report.daily import Day, VersionDay
from analytics.report.difference import CAUSES, Split
from analytics.report.path_plots import paths, shares_of_difference, walked
from analytics.report.sessions import Stretch
from analytics.report.words import CAUSE_WORDS, coins
from strategy.kernel.records import BUY, SELL
from strategy.replay.rows import REJECTED

MAX_QUOTES: Final = 600  # more lines than that are a blur: a shorter window is drawn
REALISED: Final = "realised"
FORETOLD: Final = "foretold"
Titled = tuple[str, Figure]


def day_figures(day: Day) -> Iterator[Titled]:
    """Yield the plots of a day with live quoting; those for which there is too little are left out."""
    seen = [each for each in day.stretches if len(each.activity.samples) > 1]
    if seen:
        yield "PnL above holding, and inventory against its target", _paths(day)
        yield from _quotes(day, seen)
        yield "Sigma and regime", _sigma(seen)
    if day.overall.overall["fills"] > 0:
        yield "Capture after a fill", _markouts(day)
    for each in day.versions:
        if each.parameters is not None:
            observed = np.concatenate([stretch.activity.samples["sigma"] for stretch in each.stretches])
            figure = spread_figure(each.parameters, observed[np.isfinite(observed)])
            yield f"Half-spread over sigma, version {each.version}", figure
    for each in day.versions:
        if each.beside is not None:
            yield f"Orders with a fill by regime, version {each.version}", _fill_ratios(day, each)
            yield f"Foretold and realised, version {each.version}", _bars(day, each)
    for split in day.splits:
        yield f"PnL above holding: why it came otherwise, version {split.version}", _shares(day, split)


def _paths(day: Day) -> Figure:
    known = {each.version: each.parameters for each in day.versions}
    live = [(stretch.activity, known.get(stretch.version)) for stretch in day.stretches]
    beside = [each.beside for each in day.versions if each.beside is not None]
    replays = sorted(((run, None) for each in beside for run in each.replays), key=lambda each: each[0].start_ns)
    series = {REALISED: walked(live, day.market.info), FORETOLD: walked(replays, day.market.info)}
    return paths({name: parts for name, parts in series.items() if parts}, _turns(day), coins(day.symbol))


def _turns(day: Day) -> list[tuple[str, int]]:
    """Return which version took over when (ns)."""
    versions = [stretch.version for stretch in day.stretches]
    changes = [i for i in range(1, len(versions)) if versions[i] != versions[i - 1]]
    return [(f"v{versions[i]}", day.stretches[i].activity.start_ns) for i in changes]


def _quotes(day: Day, seen: Sequence[Stretch]) -> Iterator[Titled]:
    """Yield mid, quotes and fills of the longest stretch; a day of many orders as a whole, then its busiest part."""
    activity, version = max(((each.activity, each.version) for each in seen), key=lambda pair: len(pair[0].samples))
    orders = activity.orders[activity.orders["outcome"] != REJECTED]
    first = orders[orders["level"] == orders["level"].min()] if len(orders) else orders
    if len(first) <= MAX_QUOTES:
        yield f"Mid, quotes and fills, version {version}", _drawn(day, activity, first)
        return
    yield f"Mid and fills, version {version}", _drawn(day, activity, first[:0])
    window = _busiest(activity, first)
    yield f"Mid, quotes and fills at the busiest time, version {version}", _drawn(day, activity, first, window)


def _busiest(activity: Activity, orders: NDArray[np.void]) -> tuple[int, int]:
    """Return the window (ns) of about `MAX_QUOTES` orders in a row that saw the most fills."""
    starts = orders["placed_ns"][: -MAX_QUOTES + 1 : MAX_QUOTES // 4]
    ends = orders["placed_ns"][MAX_QUOTES - 1 :: MAX_QUOTES // 4][: len(starts)]
    fills = np.sort(activity.fills["exch_ts"])
    counts = np.searchsorted(fills, ends, "right") - np.searchsorted(fills, starts[: len(ends)], "left")
    best = int(np.argmax(counts))
    return int(starts[best]), int(ends[best])


def _drawn(day: Day, activity: Activity, orders: NDArray[np.void], window: tuple[int, int] | None = None) -> Figure:
    tick = float(day.market.info.tick_size)
    start, end = window or (activity.start_ns, activity.end_ns)
    shown = orders[(orders["ended_ns"] >= start) & (orders["placed_ns"] <= end)]
    quotes = [
        (max(int(row["placed_ns"]), start), min(int(row["ended_ns"]), end), row["price_ticks"] * tick, int(row["side"]))
        for row in shown
    ]
    fills = activity.fills[(activity.fills["exch_ts"] >= start) & (activity.fills["exch_ts"] <= end)]
    samples = activity.samples[(activity.samples["ts"] >= start) & (activity.samples["ts"] <= end)]
    made = {"ts": fills["exch_ts"], "price": fills["price_ticks"] * tick, "side": fills["side"]}
    return plots.fills_on_mid((samples["ts"], samples["mid_ticks"] * tick), quotes, made)


def _sigma(seen: Sequence[Stretch]) -> Figure:
    samples = [stretch.activity.samples for stretch in seen]
    return plots.sigma_ribbon([(each["ts"], each["sigma"], each["regime"].astype(np.int64)) for each in samples])


def _markouts(day: Day) -> Figure:
    live = [stretch.activity for stretch in day.stretches]
    beside = [run for each in day.versions if each.beside is not None for run in each.beside.replays]
    series = {REALISED: _measured(day, live).captures}
    if beside:
        series[FORETOLD] = _measured(day, beside).captures
    for name, side in (("bought", BUY), ("sold", SELL)):
        series[name] = _measured(day, [_one_side(each, side) for each in live]).captures
    return plots.markout_curve((0, *HORIZONS_S), series)


def _measured(day: Day, activities: Sequence[Activity]) -> Metrics:
    return measure(activities, day.market.path, day.market.info)


def _one_side(activity: Activity, side: int) -> Activity:
    """Return an activity with the fills of one side alone: good for figures a fill, not for its account."""
    fields = {name: getattr(activity, name) for name in Activity.__slots__}
    return Activity(**fields | {"fills": activity.fills[activity.fills["side"] == side]})


def _fill_ratios(day: Day, each: VersionDay) -> Figure:
    assert each.beside is not None
    sides = {FORETOLD: each.beside.replays, REALISED: each.beside.live}
    regimes = {name: _measured(day, activities).regimes for name, activities in sides.items()}
    return study_plots.fill_ratios(regimes, {FORETOLD: "#56B4E9", REALISED: plots.BUY_COLOUR})


def _bars(day: Day, each: VersionDay) -> Figure:
    assert each.beside is not None
    names = ["quoted_capture_bps", *(f"realised_capture_{h}s_bps" for h in HORIZONS_S), "edge_bps"]
    labels = ["quoted", *(f"{h} s" for h in HORIZONS_S), "edge"]
    sides = [_measured(day, activities) for activities in (each.beside.replays, each.beside.live)]
    values = [np.array([metrics.overall[name] for name in names]) for metrics in sides]
    return plots.paired_bars(labels, values[0], values[1], "bps of notional")


def _shares(day: Day, split: Split) -> Figure:
    name = "excess_pnl_quote"
    shares = [split.share(cause, name) for cause in CAUSES]
    values = np.array([split.foretold.overall[name], *shares, split.live.overall[name]])
    labels = [FORETOLD, *(CAUSE_WORDS[cause].replace(", ", ",\n").replace("l m", "l\nm") for cause in CAUSES), REALISED]
    return shares_of_difference(labels, values, coins(day.symbol)[1])
