"""Flow: fit the fill model to live orders, and say what replays make of it."""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow

from analytics.tape.line import Days, read_days
from flows import log, rooms
from flows.replay import replay_config
from flows.report import assumptions
from flows.runner import step
from flows.settings import Settings, load_settings
from strategy.errors import Failed
from strategy.live.layout import slug

if TYPE_CHECKING:
    from analytics.fill_fit.comparison import DayFills
    from analytics.fill_fit.fit import Fit
    from analytics.lake.store import Lake


@flow
def fills(days: str | None = None, venue: str | None = None, symbol: str | None = None) -> dict[str, Any]:
    """Fit queue and latencies to the live orders of UTC days (DAY or DAY..DAY, default yesterday), store the version.

    What was live is replayed as assumed so far and with the fit; the figures of both go to the lake.
    """
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    chosen = read_days(days, "days") if days else Days(yesterday, yesterday)
    return fit_days(chosen, venue, symbol)


@step
def fit_days(days: Days, venue: str | None, symbol: str | None) -> dict[str, Any]:
    """Fit, store, compare and draw."""
    from analytics.fill_fit.comparison import store_day, table, together
    from analytics.fill_fit.fit import fit_fill_model
    from analytics.fill_fit.model import store

    settings = load_settings(venue=venue, symbol=symbol)
    with rooms.lake(settings) as lake:
        found = fit_fill_model(lake, settings.venue, settings.symbol, days)
        version = store(lake, found.model, time.time_ns())
    log.say("fill_model", version=version, days=str(days), queue_model=found.model.queue_model)
    compared, notes = _compared(settings, found, days)
    with rooms.lake(settings) as lake:
        for day in compared:
            store_day(lake, (settings.venue, settings.symbol), version, day)
    sources = together(compared) if compared else None
    return {
        "version": version,
        "fit": _facts(found),
        "models": _models(found),
        "compared": [] if sources is None else [list(row) for row in table(sources)],
        "notes": notes,
        "folder": str(_write(settings, found, version, sources)),
    }


def _compared(settings: Settings, found: "Fit", days: Days) -> tuple[list["DayFills"], list[str]]:
    """Return the days that could be replayed, and why others could not."""
    from analytics.fill_fit.fit import each_day

    registry = rooms.registry(settings)
    after = found.model.applied(replay_config(settings), settings.costs.latency_seed)
    compared, notes = [], []
    for day in each_day(days):
        before = assumptions(settings, day)
        with rooms.lake(settings, read_only=True) as lake:
            try:
                compared.append(_compare(lake, registry, settings, day, before, after))
            except Failed as error:
                notes.append(str(error))
    return compared, notes


def _compare(lake: "Lake", registry: Any, settings: Settings, day: date, before: Any, after: Any) -> "DayFills":
    from analytics.fill_fit.comparison import compare_day

    return compare_day(lake, registry, (settings.venue, settings.symbol), day, before, after)


def _facts(found: "Fit") -> list[list[Any]]:
    """Return rows of parameter, value, and both ends of its interval."""
    model = found.model
    rows: list[list[Any]] = [["queue_model", model.queue_model, None, None]]
    for name, interval in (
        ("queue_exponent", model.queue_exponent),
        ("entry_latency_ms", model.entry.median_ms),
        ("response_latency_ms", model.response.median_ms),
    ):
        rows.append([name, interval.value, interval.low, interval.high])
    rows += [["clumping", model.clumping, None, None]]
    rows += [["entry_latency_spread", model.entry.spread, None, None]]
    rows += [["response_latency_spread", model.response.spread, None, None]]
    on = model.fitted_on
    counts = ("orders", "silent", "untimed", "unmatched", "round_trips")
    return rows + [[name, getattr(on, name), None, None] for name in counts]


def _models(found: "Fit") -> list[list[Any]]:
    """Return rows of queue model, log-likelihood, and how much worse its AIC is than the best."""
    from analytics.fill_fit.queue_fit import akaike

    worse = akaike(found.queue)
    return [[model, value, worse[model]] for model, value in found.queue.log_likelihoods.items()]


def _write(settings: Settings, found: "Fit", version: int, sources: Any) -> Path:
    """Write plot and document and return their folder."""
    from analytics.fill_fit.figure import fit_figure
    from analytics.report.plots import png
    from strategy.policies.document import write_atomically

    folder = settings.home / "fills" / f"{settings.venue}-{slug(settings.symbol)}-{version}"
    title = f"fill model {version} of {settings.symbol} on {settings.venue}"
    write_atomically(folder / "fills.png", png(fit_figure(title, found.queue, sources)))
    write_atomically(folder / "model.json", found.model.model_dump_json(indent=2).encode())
    return folder
