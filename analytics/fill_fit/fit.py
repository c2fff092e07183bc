"""From a lake's live days to a fill model: the orders, the queues they stood in, the round trips they made."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from analytics.fill_fit.latency_fit import Ways, fit_latencies
from analytics.fill_fit.model import FillModel, FittedOn, Interval, Latency
from analytics.fill_fit.own_orders import OwnOrder, digest, own_orders
from analytics.fill_fit.queue_fit import QueueFit, fit_queues
from analytics.fill_fit.queues import Queues, Told, observe
from analytics.lake.store import Lake
from analytics.report.daily import load_market, window_of
from analytics.tape.latencies import round_trips
from analytics.tape.line import Days
from strategy.errors import Failed
from strategy.kernel.jit import KERNEL_DIGEST


@dataclass(frozen=True, slots=True)
class Fit:
    """A fill model with the fits it was made of."""

    model: FillModel
    queue: QueueFit
    ways: Ways


@dataclass(frozen=True, slots=True)
class _Day:
    tape: str
    orders: list[OwnOrder]
    told: Told
    untimed: int


def fit_fill_model(lake: Lake, venue: str, symbol: str, days: Days) -> Fit:
    """Fit queue and latencies to the live orders of some days; Failed where they tell too little."""
    snapshot = lake.snapshot_id()
    found = [seen for day in each_day(days) if (seen := _observed(lake, venue, symbol, day)) is not None]
    if not found:
        raise Failed(f"no live orders of {symbol} on {venue} beside market data on {days}")
    queue = fit_queues(_joined([each.told.queues for each in found]))
    ways = fit_latencies(round_trips(lake, venue, symbol, days))
    fitted_on = FittedOn(
        first_day=days.first,
        last_day=days.last,
        tapes=tuple(each.tape for each in found),
        orders_digest=digest(order for each in found for order in each.orders),
        orders=queue.orders,
        silent=sum(each.told.silent for each in found),
        untimed=sum(each.untimed for each in found),
        unmatched=sum(each.told.unmatched for each in found),
        round_trips=ways.round_trips,
    )
    model = FillModel(
        venue=venue,
        symbol=symbol,
        queue_model=queue.queue_model,
        queue_exponent=Interval.of(queue.exponent),
        clumping=queue.clumping,
        log_likelihoods=queue.log_likelihoods,
        entry=Latency.of(ways.entry),
        response=Latency.of(ways.response),
        fitted_on=fitted_on,
        kernel_digest=KERNEL_DIGEST,
        lake_snapshot=snapshot,
    )
    return Fit(model, queue, ways)


def each_day(days: Days) -> Iterator[date]:
    """Yield the days."""
    day = days.first
    while day <= days.last:
        yield day
        day += timedelta(days=1)


def _observed(lake: Lake, venue: str, symbol: str, day: date) -> _Day | None:
    """Follow a day's orders along its tape; None without orders, or without market data."""
    window = window_of(day)
    orders, untimed = own_orders(lake, venue, symbol, window)
    if not orders:
        return None
    market = load_market(lake, venue, symbol, window)
    if market.missing is not None:
        return None
    return _Day(market.info.fingerprint, orders, observe(market.tape, orders), untimed)


def _joined(parts: list[Queues]) -> Queues:
    """Return the orders of several days as one."""
    sizes = np.concatenate([np.diff(each.start) for each in parts])
    columns = (np.concatenate([getattr(each, name) for each in parts]) for name in Queues._fields[1:])
    return Queues(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), *columns)
