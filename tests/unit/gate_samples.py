"""Evidence for the tests of gates: a winner that passes every one, changed in one thing a test."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from analytics.gates.agreement import Agreement
from analytics.gates.evidence import Evidence
from analytics.gates.stress import Strained
from analytics.gates.thresholds import GateSettings
from analytics.metrics.figures import Metrics
from analytics.study.objective import Evaluation
from tests.unit.activity_samples import SECOND, random_activity, random_path
from tests.unit.registry_documents import document_with

DAY = date(2026, 1, 31)
AGREED = Agreement(DAY, 100.0, 110.0, 0.8, 1.0, differing_fields=0.0)


def evaluation(fills: float = 20.0, edge: float = 0.5, drawdown: float = 0.0, score: float = 1.0) -> Evaluation:
    """Return an evaluation over two days with the given figures."""
    rng = np.random.default_rng(1)
    activity = replace(random_activity(rng, random_path(rng, 30), 3, 30), end_ns=2 * 86_400 * SECOND)
    figures = {"fills": fills, "edge_bps": edge, "max_drawdown_quote": drawdown}
    return Evaluation(score, 0.0, (score,), Metrics(figures, {}), (activity,))


def skilled(seed: int = 1, periods: int = 120, trials: int = 20, gain: float = 0.8) -> Any:
    """Return the periods (rows) of trials (columns) of which the first is better by `gain` standard deviations."""
    earned = np.random.default_rng(seed).normal(size=(periods, trials))
    earned[:, 0] += gain
    return earned


def strained(**changes: Any) -> dict[str, Strained | None]:
    """Return an edge of 0.3 bps on 20 fills in every worse world, but for the changes."""
    return dict.fromkeys(("latency", "queue", "fee", "spread"), Strained(0.3, 20.0)) | changes


def evidence(**changes: Any) -> Evidence:
    """Return evidence that passes every gate, but for the changes."""
    good = Evidence(
        document=document_with(9.0),
        held_out=evaluation(),
        rival=evaluation(score=0.5),
        rival_name="champion",
        settings=GateSettings(),
        trials=20,
        searched=skilled(),
        gain=skilled(seed=2)[:, 0],
        neighbours={f"quoting.cooldown_time {i}": 0.45 for i in range(10)},
        stress=strained(),
        yesterday=AGREED,
    )
    return replace(good, **changes)
