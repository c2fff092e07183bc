"""Queue models and latencies from data of a known truth."""

import math

import numpy as np
import pytest

from analytics.fill_fit.latency_fit import Ways, fit_interval, fit_latencies
from analytics.fill_fit.likelihood import MISTAKEN, log_likelihood
from analytics.fill_fit.profile import DROP, Profile, profile
from analytics.fill_fit.queue_fit import FEWEST, akaike, fit_queues
from analytics.fill_fit.queues import FALL, FILLED, PASSED, RISE, Queues, observe
from analytics.tape.latencies import RoundTrips
from analytics.tape.line import Days
from strategy.errors import Failed
from tests.unit.paper_queue_samples import paper_session
from tests.unit.queue_samples import queue_market
from tests.unit.round_trip_samples import DAY, SYMBOL, VENUE

MS = 1_000_000
HIT, MISS = math.log((1 - MISTAKEN) + MISTAKEN / 2), math.log(MISTAKEN / 2)


def queues(ahead: float, *steps: tuple[int, float, float, float]) -> Queues:
    """Return one order's queue."""
    columns = np.array(steps).T
    return Queues(np.array([0, len(steps)]), np.array([ahead]), columns[0].astype(np.int8), *columns[1:])


def test_without_cancels_the_trades_alone_say_when_an_order_fills() -> None:
    right = queues(640.0, (PASSED, 300, 0, 0), (PASSED, 280, 0, 0), (FILLED, 110, 10, 0))
    early = queues(640.0, (PASSED, 300, 0, 0), (FILLED, 50, 10, 0))
    late = queues(640.0, (PASSED, 800, 0, 0), (PASSED, 50, 0, 0))
    for model in ("risk_averse", "power", "log"):
        assert log_likelihood(right, model) == pytest.approx(3 * HIT, abs=0.1)
        assert log_likelihood(early, model) == pytest.approx(HIT + MISS)
        assert log_likelihood(late, model) == pytest.approx(2 * MISS, rel=0.01)


def test_a_queue_without_clumping_is_the_replays_own() -> None:
    # 100 ahead, 300 behind, 40 cancel: 100 stay ahead, 98.6 or 90 or 82.1 (docs/fill-model.md)
    cases = {("risk_averse", 1.0): 100.0, ("power", 3.0): 98.57, ("power", 1.0): 90.0, ("log", 1.0): 82.1}
    for (model, exponent), left in cases.items():
        for trade, expected in ((left - 10.0, HIT), (left + 10.0, MISS)):
            told = queues(100.0, (RISE, 300, 0, 0), (FALL, 40, 0, 0), (PASSED, trade, 0, 0))
            assert log_likelihood(told, model, exponent) == pytest.approx(expected, abs=0.2)


def test_with_clumping_a_cancel_is_all_ahead_or_all_behind() -> None:
    told = queues(100.0, (RISE, 100, 0, 0), (FALL, 50, 0, 0), (PASSED, 75, 0, 0))
    assert log_likelihood(told, "power", 1.0, clumping=1.0) == pytest.approx(math.log(0.5), abs=0.02)
    assert log_likelihood(queues(100.0, *told_steps(told)[:2], (PASSED, 30, 0, 0)), "power", 1.0, 1.0) > -0.02


def told_steps(told: Queues) -> list[tuple[int, float, float, float]]:
    return list(zip(told.kind, told.lots, told.own_lots, told.spare_lots, strict=True))


def test_a_partial_fill_of_a_larger_trade_says_what_was_ahead_exactly() -> None:
    told = (queues(100.0, (FALL, fall, 0, 0), (FILLED, 60, 10, 5)) for fall in (50.0, 30.0, 80.0))
    exact, more, less = (log_likelihood(each, "risk_averse") for each in told)
    assert exact > max(more, less) + 2


@pytest.mark.slow
@pytest.mark.parametrize("exponent", [0.5, 1.0, 3.0])
def test_the_exponent_is_within_its_interval_for_most_seeds(exponent: float) -> None:
    inside, powers = 0, 0
    for seed in range(5):
        found = fit_queues(observe(*queue_market(seed, exponent, 100)).queues)
        inside += found.exponent.low <= exponent <= found.exponent.high
        powers += akaike(found)["power"] < 4.0
        assert found.exponent.high / found.exponent.low < 30.0
        assert akaike(found)["risk_averse"] > 10.0
    assert inside >= 4
    assert powers >= 4


@pytest.mark.slow
def test_on_the_paper_venue_the_exponent_of_its_own_cancels_is_within_for_most_seeds() -> None:
    inside = 0
    for seed in range(5):
        tape, own, cancels = paper_session(seed, 240)
        found = fit_queues(observe(tape, own).queues).exponent
        inside += found.low <= exponent_of(cancels) <= found.high
        assert found.high < 1.0
    assert inside >= 4


def exponent_of(cancels: list[tuple[int, int, bool]]) -> float:
    """Return the exponent that cancels seen one by one speak for: P(ahead) = a^n / (a^n + b^n)."""
    ahead, behind, was_ahead = np.array(cancels, np.float64).T
    signed = np.where(was_ahead == 1, 1, -1) * np.log(ahead / behind)
    return profile(lambda n: -float(np.sum(np.log1p(np.exp(-n * signed)))), 0.05, 20.0).estimate.value


def test_too_few_orders_are_refused_with_their_number() -> None:
    with pytest.raises(Failed, match=f"^1 orders tell something of the queue, at least {FEWEST} are needed$"):
        fit_queues(queues(100.0, (PASSED, 5, 0, 0)))


def test_a_profile_of_a_parabola_has_its_top_and_its_interval() -> None:
    found = profile(lambda x: -0.5 * (math.log(x) / 0.1) ** 2, 0.01, 50.0).estimate
    width = 0.1 * math.sqrt(2 * DROP)
    assert found.value == pytest.approx(1.0, abs=1e-3)
    assert (math.log(found.low), math.log(found.high)) == pytest.approx((-width, width), rel=0.05)


def test_an_interval_that_does_not_end_goes_to_the_edge() -> None:
    found = profile(lambda x: min(math.log(x), 0.0), 0.05, 20.0).estimate
    assert found.high == pytest.approx(20.0)
    flat = Profile(np.array([1.0, 2.0, 3.0]), np.zeros(3)).estimate
    assert (flat.low, flat.high) == pytest.approx((1.0, 3.0))


@pytest.mark.parametrize(("median_ms", "spread"), [(0.4, 0.5), (2.3, 0.4), (8.0, 0.2)])
def test_latencies_are_found_behind_stamps_of_milliseconds(median_ms: float, spread: float) -> None:
    inside = 0
    for seed in range(5):
        found = fit_latencies(stamped_trips(seed, median_ms, spread))
        for way in (found.entry, found.response):
            inside += way.median_ns.low <= median_ms * MS <= way.median_ns.high
            assert way.spread == pytest.approx(spread, rel=0.35)
    assert inside >= 8


def stamped_trips(seed: int, median_ms: float, spread: float) -> RoundTrips:
    """Return round trips to a venue that cuts its stamps to whole milliseconds; both ways are alike."""
    rng = np.random.default_rng(seed)
    there, back = median_ms * MS * np.exp(spread * rng.standard_normal((2, 200)))
    sent = rng.integers(0, 10**12, 200)
    stamped = (sent + there).astype(np.int64) // MS * MS - sent
    whole = (there + back).astype(np.int64)
    entry = stamped.clip(0, whole)
    return RoundTrips(VENUE, SYMBOL, Days(DAY, DAY), entry, whole - entry, 0, 0, {}, stamped, MS)


def test_drawn_latencies_are_of_the_distribution_and_of_the_seed() -> None:
    one = fit_interval(*(np.full(30, ns) for ns in (5 * MS, 6 * MS)))
    ways = Ways(one, fit_latencies(stamped_trips(3, 3.0, 0.5)).response, 30)
    lines = ways.drawn(7)
    assert np.median(lines.entry_ns) == pytest.approx(one.median_ns.value, rel=0.02)
    assert np.std(np.log(lines.response_ns)) == pytest.approx(ways.response.spread, rel=0.05)
    assert ways.drawn(7) == lines
    assert ways.drawn(8) != lines


def test_too_few_round_trips_are_refused_with_their_number() -> None:
    trips = RoundTrips(VENUE, SYMBOL, Days(DAY, DAY), *np.ones((2, 3), np.int64), 0, 0, {}, np.ones(3, np.int64), 1)
    with pytest.raises(Failed, match=r"^3 round trips were recorded on 2023-11-14, at least 20 are needed$"):
        fit_latencies(trips)
