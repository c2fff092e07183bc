"""Gates against luck: many trials, few periods, one fragile number, a kinder world than tomorrow's, a wrong replay."""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from analytics.gates.agreement import NOTHING_LIVE
from analytics.gates.evidence import NOBODY, Evidence
from analytics.gates.statistics.bootstrap import mean_test
from analytics.gates.statistics.deflated import deflated_sharpe, expected_maximum, moments_of, variance_without_skill
from analytics.gates.statistics.overfitting import probability_of_overfitting
from analytics.gates.verdicts import Verdict
from analytics.registry.promotion import CHAMPION

Gate = Callable[[Evidence], Verdict]


def not_overfitted(evidence: Evidence) -> Verdict:
    """Demand that the best of the past does not usually end in the lower half of the future (PBO by CSCV)."""
    settings, rule = evidence.settings, "probability of backtest overfitting <="
    limit, lacking = settings.max_overfitting, _lacking(evidence, len(evidence.searched), "searched")
    if not lacking and evidence.searched.shape[1] < 2:
        lacking = "needs 2 trials, had 1"
    if lacking:
        return Verdict("overfitting", None, float("nan"), limit, rule, lacking)
    found = probability_of_overfitting(evidence.searched, settings.overfitting_blocks)
    why = f"{evidence.searched.shape[1]} trials, {len(found.logits)} splits, the best lost in {found.loss:.0%} of them"
    return Verdict("overfitting", found.probability <= limit, found.probability, limit, rule, why)


def deflated(evidence: Evidence) -> Verdict:
    """Demand that the winner's Sharpe ratio is beyond what the best of so many trials without skill would show."""
    least, rule = evidence.settings.min_deflated_sharpe, "deflated Sharpe ratio, a probability >="
    lacking = _lacking(evidence, len(evidence.searched), "searched")
    if lacking:
        return Verdict("deflated_sharpe", None, float("nan"), least, rule, lacking)
    moments = [moments_of(column) for column in evidence.searched.T]
    variance = variance_without_skill(np.array([each.sharpe for each in moments]), len(evidence.searched))
    found = deflated_sharpe(moments[0], variance, evidence.trials)
    luck = expected_maximum(variance, evidence.trials)
    why = f"Sharpe ratio {moments[0].sharpe:.3f} a period, luck alone {luck:.3f} in {evidence.trials} trials"
    return Verdict("deflated_sharpe", found >= least, found, least, rule, why)


def significant_gain(evidence: Evidence) -> Verdict:
    """Demand that the gain held out, on the champion or on not quoting, is more than chance (stationary bootstrap)."""
    settings = evidence.settings
    whom = f"the {CHAMPION}" if evidence.rival_name == CHAMPION else NOBODY
    limit, rule = settings.max_p_value, f"p-value of no gain on {whom} held out <="
    lacking = _lacking(evidence, len(evidence.gain), "held out")
    if lacking:
        return Verdict("gain", None, float("nan"), limit, rule, lacking)
    found = mean_test(evidence.gain, evidence.seed, settings.bootstrap_samples)
    why = f"{found.mean:+.4g} bps a period, {found.level:.0%} between {found.low:+.4g} and {found.high:+.4g}"
    return Verdict("gain", found.p_value <= limit, found.p_value, limit, rule, why)


def flat_neighbourhood(evidence: Evidence) -> Verdict:
    """Demand that most small moves of the searched numbers keep most of the edge."""
    settings = evidence.settings
    least, rule = settings.min_neighbours, f"share of neighbours that keep {settings.neighbour_edge:.0%} of the edge >="
    edge, around = evidence.held_out.metrics.overall["edge_bps"], evidence.neighbours
    lacking = "" if around else "needs a searched number that can be moved"
    if not edge > 0:
        lacking = f"needs an edge over 0 to keep, had {edge:.4g} bps"
    if lacking:
        return Verdict("neighbourhood", None, float("nan"), least, rule, lacking)
    kept = [bool(each >= settings.neighbour_edge * edge) for each in around.values()]
    worst = min(around, key=lambda label: np.nan_to_num(around[label], nan=-np.inf))
    why = f"{sum(kept)} of {len(kept)}, the worst is {worst}: {around[worst]:.4g} of {edge:.4g} bps"
    share = float(np.mean(kept))
    return Verdict("neighbourhood", share >= least, share, least, rule, why)


def survives(evidence: Evidence, name: str) -> Verdict:
    """Demand an edge in a worse world; where too little was filled there, too little is known of it."""
    settings = evidence.settings
    told = {
        "latency": f"latency x {settings.stress_latency:g}",
        "queue": "risk-averse queue",
        "fee": f"maker fee {settings.stress_fee_bps:g} bps",
        "spread": f"the {settings.stress_hours:g} h with the widest spread",
    }
    rule, found = f"edge, bps, with {told[name]} >=", evidence.stress[name]
    least, fills = settings.min_stress_edge_bps, max(settings.min_fills, 1)
    if found is None:
        lacking = f"needs 2 stretches of {settings.stress_hours:g} h"
        return Verdict(f"stress_{name}", None, float("nan"), least, rule, lacking)
    if found.fills < fills or not np.isfinite(found.edge_bps):
        lacking = f"needs {fills} fills and what followed them, had {found.fills:.0f}"
        return Verdict(f"stress_{name}", None, found.edge_bps, least, rule, lacking)
    why = f"on {found.fills:.0f} fills"
    return Verdict(f"stress_{name}", found.edge_bps >= least, found.edge_bps, least, rule, why)


def live_edge(evidence: Evidence) -> Verdict:
    """Demand that yesterday's replay earned about as much a trade as yesterday's live; nothing live passes."""
    limit, rule = evidence.settings.max_live_edge_gap_bps, "yesterday's edge, replay - live, bps within +-"
    early = _without_live(evidence, "live_edge", limit, rule)
    if early is not None or evidence.yesterday is None:
        return early or Verdict("live_edge", None, float("nan"), limit, rule)
    day = evidence.yesterday
    gap = day.replay_edge_bps - day.live_edge_bps
    why = f"{day.day}: {day.replay_edge_bps:.4g} in replay, {day.live_edge_bps:.4g} live"
    return Verdict("live_edge", bool(abs(gap) <= limit), gap, limit, rule, why)


def live_fills(evidence: Evidence) -> Verdict:
    """Demand that yesterday's replay was filled about as often as yesterday's live; nothing live passes."""
    limit, rule = evidence.settings.max_live_fill_ratio, "yesterday's fills, replay / live, either way <="
    early = _without_live(evidence, "live_fills", limit, rule)
    if early is not None or evidence.yesterday is None:
        return early or Verdict("live_fills", None, float("nan"), limit, rule)
    day = evidence.yesterday
    ratio = day.replay_fills / day.live_fills
    why = f"{day.day}: {day.replay_fills:.0f} in replay, {day.live_fills:.0f} live"
    return Verdict("live_fills", 1.0 / limit <= ratio <= limit, ratio, limit, rule, why)


def live_decisions(evidence: Evidence) -> Verdict:
    """Demand that yesterday's decisions come out the same when they are made once more; nothing live passes."""
    name, rule, day = (
        "live_decisions",
        "yesterday's decisions made once more, fields that differ <=",
        evidence.yesterday,
    )
    if day is None:
        return Verdict(name, None, float("nan"), 0.0, rule, "needs a look at yesterday, which nobody took")
    if day.missing == NOTHING_LIVE:
        return Verdict(name, True, "none", 0.0, rule, f"{NOTHING_LIVE} on {day.day}")
    if not np.isfinite(day.differing_fields):
        return Verdict(name, None, float("nan"), 0.0, rule, f"needs the report of {day.day} and that day's journals")
    return Verdict(name, day.differing_fields <= 0, day.differing_fields, 0.0, rule, f"{day.day}")


def _without_live(evidence: Evidence, name: str, limit: float, rule: str) -> Verdict | None:
    """Return the verdict where yesterday has nothing to compare, None where it has."""
    day, least = evidence.yesterday, evidence.settings.min_live_fills
    if day is None:
        return Verdict(name, None, float("nan"), limit, rule, "needs a look at yesterday, which nobody took")
    if day.missing == NOTHING_LIVE:
        return Verdict(name, True, "none", limit, rule, f"{NOTHING_LIVE} on {day.day}")
    if day.missing or day.live_fills < least:
        had = day.missing or f"had {day.live_fills:.0f}"
        return Verdict(name, None, float("nan"), limit, rule, f"needs {least} live fills on {day.day}, {had}")
    return None


def _lacking(evidence: Evidence, periods: int, what: str) -> str:
    """Say how many periods are needed where there are too few of them."""
    least, minutes = evidence.settings.min_periods, evidence.settings.period_minutes
    if periods >= least:
        return ""
    return f"needs {least * minutes / 1440:.3g} days {what} ({least} periods of {minutes:g} min), had {periods}"


ROBUST: Final[tuple[Gate, ...]] = (
    not_overfitted,
    deflated,
    significant_gain,
    flat_neighbourhood,
    *(partial(survives, name=name) for name in ("latency", "queue", "fee", "spread")),
    live_edge,
    live_fills,
    live_decisions,
)
