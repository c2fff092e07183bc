"""How far a day came out from what was foretold of it, figure by figure, and which cause made how much of that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from analytics.metrics.figures import Metrics

DIFFERENCE: Final = "difference"
DECISION: Final = "decision"
LATENCY: Final = "latency"
FILL_MODEL: Final = "fill_model"
VENUE: Final = "venue"
CAUSES: Final = (DECISION, LATENCY, FILL_MODEL, VENUE)

FIGURES: Final = (  # those that are split; a figure of a day without fills is not known and neither is its difference
    "fills",
    "fill_ratio",
    "turnover_quote",
    "total_pnl_quote",
    "excess_pnl_quote",
    "spread_capture_quote",
    "inventory_pnl_quote",
    "fees_quote",
    "quoted_capture_bps",
    "realised_capture_5s_bps",
    "adverse_selection_30s_bps",
    "edge_bps",
    "max_drawdown_quote",
    "inventory_mean_base",
)


@dataclass(frozen=True, slots=True)
class Decided:
    """Decisions made once more from the journals of a version's sessions.

    `differing` fields came out otherwise than live; `unchecked` says of which sessions nothing is known, and why.
    """

    decisions: int
    differing: int
    unchecked: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Say whether every decision was checked and came out the same."""
        return self.differing == 0 and not self.unchecked


@dataclass(frozen=True, slots=True)
class Split:
    """One version's day as foretold and as it came, over the stretches that could be replayed.

    `steps` are the replays between, by the cause that each takes away from the one before, in the order of `CAUSES`; a
    cause of which the day told too little is not among them, and its share is part of the venue's.
    """

    version: int
    foretold: Metrics
    steps: Mapping[str, Metrics]
    live: Metrics
    decided: Decided

    def total(self, figure: str) -> float:
        """Return live less foretold; nan where either is not known."""
        return self.live.overall[figure] - self.foretold.overall[figure]

    def share(self, cause: str, figure: str) -> float:
        """Return what a cause made of the difference; nan where it cannot be told apart.

        The shares that are known add up to the whole difference.
        """
        if cause == DECISION:
            return 0.0 if self.decided.proven else np.nan
        chain = [(DECISION, self.foretold), *self.steps.items(), (VENUE, self.live)]
        for (_, before), (name, after) in pairwise(chain):
            if name == cause:
                return after.overall[figure] - before.overall[figure]
        return np.nan

    def rows(self) -> Iterator[tuple[str, str, str, float]]:
        """Yield (source, metric, regime, value): differences, shares of causes, fill ratios by regime, decisions."""
        for figure in FIGURES:
            yield DIFFERENCE, figure, "all", self.total(figure)
            yield from ((cause, figure, "all", self.share(cause, figure)) for cause in CAUSES)
        for regime, figures in self.foretold.regimes.items():
            ratio = self.live.regimes.get(regime, {}).get("fill_ratio", np.nan)
            yield DIFFERENCE, "fill_ratio", regime, ratio - figures["fill_ratio"]
        yield DECISION, "decisions", "all", float(self.decided.decisions)
        yield DECISION, "differing_fields", "all", float(self.decided.differing)
