"""Signals against naive oracles, and what they leave alone."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategy.errors import BadParameters
from strategy.policies.parameters import parse_parameters
from tests.unit.signal_samples import NEUTRAL, Signal, seeded

STRANGE = (0.1, 1.0 / 3.0, math.pi)  # values that any arithmetic would show on
BIASED_UP, BIASED_DOWN = (0.0, 0.8, 1.2), (0.0, 1.2, 0.8)


def closes_of(times_s, mids, bar_s, until_s):
    """Return the closes of the complete bars from the first mid on: last mid in each, else the one before."""
    closes = []
    for bar in range(int(times_s[0] // bar_s), int(until_s // bar_s)):
        inside = mids[times_s // bar_s == bar]
        closes.append(inside[-1] if len(inside) else closes[-1])
    return np.array(closes)


def distance(closes, fast, slow):
    """Return (fast average - slow average) / slow average, nan while there are too few closes."""
    if len(closes) < slow:
        return math.nan
    return closes[-fast:].mean() / closes[-slow:].mean() - 1.0


def test_trend_equals_the_averages_of_closes_computed_anew_at_every_moment():
    rng = seeded(7)
    times = np.cumsum(rng.exponential(0.7, 600))
    times[400:] += 300.0  # many more empty bars than the averages hold
    mids = 6e6 * np.exp(np.cumsum(rng.normal(0, 1e-3, 600)))
    signal, seen = Signal("trend", bar_seconds=2, fast_periods=3, slow_periods=9, threshold=0.001), []
    for i, at in enumerate(times):
        signal.book(at, mids[i])
        until = times[i + 1] if i + 1 < len(times) else at + 10
        for now in (at, (at + until) / 2):
            x = distance(closes_of(times[: i + 1], mids[: i + 1], 2.0, now), 3, 9)
            seen.append(BIASED_UP if x > 0.001 else BIASED_DOWN if x < -0.001 else NEUTRAL)
            assert signal.decide(now) == seen[-1]
    assert {NEUTRAL, BIASED_UP, BIASED_DOWN} == set(seen)


@pytest.mark.parametrize(("step", "expected"), [(0.002, BIASED_UP), (-0.002, BIASED_DOWN), (0.0005, NEUTRAL)])
def test_the_side_that_follows_the_trend_narrows_and_the_other_widens(step, expected):
    signal = Signal("trend")
    for bar in range(14):
        signal.book(60.0 * bar + 30, 1e6 * (1 + step * bar))
    assert signal.decide(60.0 * 14 - 0.001) == NEUTRAL  # the 14th bar is not over
    assert signal.decide(60.0 * 14) == expected


def test_trend_goes_on_through_a_gap_and_sees_the_jump_after_it():
    signal = Signal("trend", fast_periods=1, slow_periods=3)
    for bar in range(3):
        signal.book(60.0 * bar, 1e6)
    signal.gap(130)
    assert signal.decide(600) == NEUTRAL
    signal.book(610, 1.01e6)
    assert signal.decide(660) == BIASED_UP
    assert signal.decide(840) == NEUTRAL  # three bars later every close is the new one


@given(st.lists(st.floats(-0.00149, 0.00149), min_size=14, max_size=40), st.integers(0, 2**32 - 1))
def test_within_the_threshold_the_output_is_bit_for_bit_what_it_was(offsets, seed):
    signal, before = Signal("trend"), tuple(float(x) for x in seeded(seed).uniform(0.1, 5.0, 3))
    for bar, offset in enumerate(offsets):
        signal.book(60.0 * bar, 6e6 * (1 + offset))  # no two averages of these are 0.3 % apart
        assert signal.decide(60.0 * bar, before) == before
    assert signal.decide(60.0 * len(offsets), before) == before


@pytest.mark.parametrize(
    ("bids", "asks", "expected"), [(3, 1, 1.0), (1, 3, -1.0), (5, 0, 2.0), (0, 5, -2.0), (4, 4, 0.0), (0, 0, 0.0)]
)
@pytest.mark.parametrize("source", ["top", "band"])
def test_imbalance_shifts_the_reference_price_towards_the_thinner_side(source, bids, asks, expected):
    signal = Signal("imbalance", source=source, imbalance_bps=2.0)
    sizes = ("bid_lots", "ask_lots"), ("bid_depth_lots", "ask_depth_lots")
    looked_at, other = sizes if source == "top" else sizes[::-1]
    context = dict(zip(looked_at, (bids, asks), strict=True)) | dict(zip(other, (7, 100), strict=True))
    assert signal.decide(**context) == (expected, 1.0, 1.0)


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.floats(0, 100))
def test_imbalance_never_shifts_further_than_its_limit(bids, asks, bps):
    shift, bid, ask = Signal("imbalance", imbalance_bps=bps).decide(bid_lots=bids, ask_lots=asks)
    assert abs(shift) <= bps
    assert shift * (bids - asks) >= 0
    assert (bid, ask) == (1.0, 1.0)


def test_only_the_imbalance_of_a_band_asks_for_depth():
    assert not parse_parameters({"signals": [{"policy": "imbalance"}]}).needs_depth
    assert parse_parameters({"signals": [{"policy": "imbalance", "source": "band"}]}).needs_depth


def is_burst(times_s, now_s, seconds, ratio, least, since_s):
    """Return whether trades at `times_s`, watched from `since_s` on, are a burst at `now_s`: by definition."""
    now, first = math.floor(now_s), math.floor(since_s) + 1
    if now - first < seconds:
        return False
    inside = np.floor(times_s[times_s <= now_s])
    pace = max((inside == now).sum(), (inside == now - 1).sum())
    mean = ((inside >= now - seconds) & (inside < now)).sum() / seconds
    return bool(pace >= least and pace > ratio * mean)


def test_bursts_equal_the_definition_at_every_trade_and_between():
    rng = seeded(11)
    calm = [rng.exponential(0.5, 400), rng.exponential(0.02, 40), rng.exponential(0.5, 200), [30.0]]
    times = np.cumsum(np.concatenate([*calm, rng.exponential(0.5, 100), rng.exponential(0.03, 30)]))
    signal, seen = Signal("trade_burst", mean_seconds=20, burst_ratio=3, burst_min_trades=4, burst_widen=2), []
    for i, at in enumerate(times):
        signal.trade(at)
        until = times[i + 1] if i + 1 < len(times) else at + 3
        for now in (at, (at + until) / 2):
            seen.append(is_burst(times[: i + 1], now, 20, 3, 4, times[0]))
            assert signal.decide(now, STRANGE) == (
                (STRANGE[0], STRANGE[1] * 2, STRANGE[2] * 2) if seen[-1] else STRANGE
            )
    assert 20 < sum(seen) < len(seen) / 2


def test_burst_is_unknown_until_the_mean_is_and_again_after_a_gap():
    signal = Signal("trade_burst", mean_seconds=10, burst_min_trades=2)
    for at in (0.5, 11.0, 11.1):
        signal.trade(at)
    assert signal.decide(11.2) == (0.0, 1.5, 1.5)
    signal.gap(11.3)
    for at in (21.9, 21.95):
        signal.trade(at)
    assert signal.decide(21.99) == NEUTRAL
    for at in (33.0, 33.1, 33.2):
        signal.trade(at)
    assert signal.decide(33.3) == (0.0, 1.5, 1.5)


def test_burst_ends_after_a_second_without_one():
    signal = Signal("trade_burst", mean_seconds=10, burst_min_trades=2)
    signal.book(0.5, 1e6)
    for at in (15.8, 15.9):
        signal.trade(at)
    assert [signal.decide(at)[1] for at in (15.95, 16.99, 17.0)] == [1.5, 1.5, 1.0]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"policy": "trend", "fast_periods": 14}, "fast_periods was 14, it must be under slow_periods 14"),
        ({"policy": "trend", "trend_bias": 1.0}, "trend_bias"),
        ({"policy": "trade_burst", "burst_widen": 1.0}, "burst_widen"),
        ({"policy": "imbalance", "source": "all"}, "source"),
        ({"policy": "momentum"}, "known are imbalance, trade_burst, trend"),
    ],
)
def test_wrong_parameters_of_a_signal_are_refused_naming_field_and_value(fields, words):
    with pytest.raises(BadParameters, match=words):
        parse_parameters({"signals": [fields]})
