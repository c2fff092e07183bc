"""Why a day came out otherwise than foretold: replays that take one assumption after the other back.

    foretold     a replay of the stretches that were quoted, from the holdings that were there, as the settings assume
    decision     nothing, once every decision of the journals comes out the same from the same events
    latency      the same replay with the round trips that the day recorded
    fill_model   ... and with the queue model that fits the day's own orders
    venue        what is then still left: fills that the tape does not explain, refusals, vetoes, lost connections

Each replay is a whole one, so that what a missing fill did to inventory and later quotes is in its cause's share.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from analytics.fill_fit.fit import fit_fill_model
from analytics.fill_fit.model import FillModel
from analytics.fill_fit.model import store as store_model
from analytics.lake.store import Lake
from analytics.metrics.activity import Activity
from analytics.metrics.figures import Metrics, measure
from analytics.report.daily import Day, Market, VersionDay, replays_of
from analytics.report.decided import Checked, check_sessions, decided
from analytics.report.difference import FILL_MODEL, LATENCY, Split
from analytics.tape.latencies import round_trips
from analytics.tape.line import Days
from strategy.errors import Failed
from strategy.live.layout import Layout
from strategy.replay.driver import ReplayConfig
from strategy.replay.latency import Latencies

SEED: Final = 7  # of the draws from recorded round trips: the same day gives the same figures


@dataclass(frozen=True, slots=True)
class Truths:
    """What a day itself tells of the line and of the queues, None where it tells too little: `notes` say why."""

    latencies: Latencies | None
    model: FillModel | None
    notes: tuple[str, ...]

    def applied(self, config: ReplayConfig) -> list[tuple[str, ReplayConfig]]:
        """Return by cause what a replay assumes once that cause, and those before it, are taken away."""
        chain = []
        if self.latencies is not None:
            config = replace(config, latencies=self.latencies)
            chain.append((LATENCY, config))
        if self.model is not None:
            model, exponent = self.model.queue_model, self.model.queue_exponent.value
            chain.append((FILL_MODEL, replace(config, queue_model=model, queue_exponent=exponent)))
        return chain


def explained(lake: Lake, layout: Layout, day: Day) -> Day:
    """Return a day with the differences of its versions split by cause.

    The fill model that the day's orders fit becomes a version in the lake, the newest one.
    """
    if all(each.beside is None for each in day.versions):
        return day
    truths = day_truths(lake, day.venue, day.symbol, day.day)
    folder = layout.journal(day.venue, day.symbol)
    checked = check_sessions(folder, (each.session for each in day.stretches))
    splits = [split(day.market, each, truths, checked) for each in day.versions]
    notes = (*day.notes, *truths.notes, *(each for each in checked.values() if isinstance(each, str)))
    return replace(day, splits=tuple(each for each in splits if each is not None), notes=notes)


def day_truths(lake: Lake, venue: str, symbol: str, day: date) -> Truths:
    """Read a day's round trips and fit its orders; the fit is stored."""
    days, latencies, model, notes = Days(day, day), None, None, []
    try:
        latencies = round_trips(lake, venue, symbol, days).drawn(SEED)
    except Failed as error:
        notes.append(f"{error}: what latency did is part of the venue's share")
    try:
        model = fit_fill_model(lake, venue, symbol, days).model
        store_model(lake, model, time.time_ns())
    except Failed as error:
        notes.append(f"{error}: what the fill model did is part of the venue's share")
    return Truths(latencies, model, tuple(notes))


def split(market: Market, each: VersionDay, truths: Truths, checked: dict[str, Checked]) -> Split | None:
    """Replay a version's stretches once for each cause that the day told of; None where nothing was replayed."""
    if each.beside is None:
        return None
    beside, steps = each.beside, {}
    config, found = beside.config, _measured(market, beside.replays)
    foretold = found
    for cause, assumed in truths.applied(config):
        if assumed != config:
            found = _measured(market, replays_of(market, beside.stretches, beside.parameters, assumed))
        steps[cause], config = found, assumed
    return Split(each.version, foretold, steps, _measured(market, beside.live), decided(each.stretches, checked))


def _measured(market: Market, activities: Sequence[Activity]) -> Metrics:
    return measure(activities, market.path, market.info)
