"""Gates between a study's winner and the registry: each is one function from evidence to a verdict.

A verdict carries the number and the threshold it was held against, and is stored with the version. A new gate is one
function and its name in `GATES`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from analytics.objective import Evaluation
from analytics.promotion import CHAMPION
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.policies.document import ParameterDocument


class GateSettings(BaseModel):
    """Thresholds of the gates."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    min_fills: int = Field(5, ge=0, description="on the held-out fold")
    min_edge_bps: float = Field(0.0, description="realised capture at 30 s less fees, held out")
    max_drawdown_bps: float = Field(100.0, gt=0, description="of the capital at the start, held out")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What gates look at: the winner held out, and whom it has to beat on the same window."""

    document: ParameterDocument
    held_out: Evaluation
    rival: Evaluation
    rival_name: str  # champion, or baseline while there is none
    settings: GateSettings


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate's answer; `rule` says in words how value and threshold compare."""

    name: str
    passed: bool
    value: float | str
    threshold: float | str
    rule: str

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as it is stored in a document; a value that is not known is stored as a word."""
        value = "unknown" if isinstance(self.value, float) and not np.isfinite(self.value) else self.value
        kept = {"name": self.name, "passed": self.passed, "value": value}
        return kept | {"threshold": self.threshold, "rule": self.rule}


Gate = Callable[[Evidence], Verdict]


def enough_fills(evidence: Evidence) -> Verdict:
    """Demand fills on the held-out fold: fewer say nothing about the edge."""
    fills = evidence.held_out.metrics.overall["fills"]
    least = float(evidence.settings.min_fills)
    return Verdict("fills", fills >= least, fills, least, "fills held out >=")


def positive_edge(evidence: Evidence) -> Verdict:
    """Demand an edge held out above the least one, or above the rival's where that one loses money too.

    An unknown edge does not pass.
    """
    edge = evidence.held_out.metrics.overall["edge_bps"]
    rival = evidence.rival.metrics.overall["edge_bps"]
    least = evidence.settings.min_edge_bps
    if np.isfinite(rival) and rival < least:
        return Verdict("edge", bool(edge > rival), edge, rival, f"edge held out, bps > {evidence.rival_name}'s")
    return Verdict("edge", bool(edge > least), edge, least, "edge held out, bps >")


def beats_champion(evidence: Evidence) -> Verdict:
    """Demand a score held out that is not under the champion's; a baseline, which nobody quotes, need not be beaten."""
    score, rival = evidence.held_out.score, evidence.rival.score
    if evidence.rival_name != CHAMPION:
        return Verdict("rival", True, score, "none", "score held out >= the champion's, of whom there is")
    return Verdict("rival", bool(score >= rival), score, rival, "score held out >= the champion's")


def bounded_drawdown(evidence: Evidence) -> Verdict:
    """Demand that the deepest fall held out stays small against the capital it was risked on."""
    lost = evidence.held_out.metrics.overall["max_drawdown_quote"]
    share = 1e4 * lost / capital(evidence)
    limit = evidence.settings.max_drawdown_bps
    return Verdict("drawdown", share <= limit, share, limit, "drawdown held out, bps of capital <=")


def same_kernel(evidence: Evidence) -> Verdict:
    """Demand that the running sources are those the document was computed with."""
    ours, theirs = KERNEL_DIGEST[:12], evidence.document.kernel_digest[:12]
    return Verdict("kernel", evidence.document.kernel_digest == KERNEL_DIGEST, theirs, ours, "kernel digest is")


GATES: Final[tuple[Gate, ...]] = (enough_fills, positive_edge, beats_champion, bounded_drawdown, same_kernel)


def judge(evidence: Evidence, gates: Sequence[Gate] = GATES) -> tuple[Verdict, ...]:
    """Return every gate's verdict."""
    return tuple(gate(evidence) for gate in gates)


def failed(document: ParameterDocument) -> list[str]:
    """Return one line for each gate that a document's version did not pass; no gates at all is a failure too."""
    if not document.provenance.gates:
        return [f"version {document.version} carries no gate verdicts"]
    return [
        f"gate {gate['name']}: {gate['value']} ({gate['rule']} {gate['threshold']})"
        for gate in document.provenance.gates
        if not gate["passed"]
    ]


def capital(evidence: Evidence) -> float:
    """Return the holdings at the start of the held-out fold, quote currency."""
    first = evidence.held_out.activities[0]
    atoms = first.start_quote_atoms + first.start_base_lots * first.start_mid_ticks
    instrument = evidence.document.instrument
    return atoms * float(instrument.tick_size) * float(instrument.lot_size)
