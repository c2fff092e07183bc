"""Gates between a study's winner and the registry: each is one function from evidence to a verdict.

A verdict carries the number and the threshold it was held against, and is stored with the version. A new gate is one
function and its name in `GATES`. Those that need many periods, neighbours or yesterday's live are in
`analytics.gates.robust_gates`. docs/gates.md says what each is for.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from analytics.gates.evidence import Evidence
from analytics.gates.robust_gates import ROBUST, Gate
from analytics.gates.verdicts import Verdict
from analytics.registry.promotion import CHAMPION
from strategy.kernel.jit import KERNEL_DIGEST


def enough_fills(evidence: Evidence) -> Verdict:
    """Demand fills on the held-out fold: fewer say nothing about the edge."""
    fills = evidence.held_out.metrics.overall["fills"]
    least = float(evidence.settings.min_fills)
    return Verdict("fills", fills >= least, fills, least, "fills held out >=")


def enough_days(evidence: Evidence) -> Verdict:
    """Demand days held out; a shorter window is no fault of the winner's, but thin evidence: not applicable."""
    days = sum(each.end_ns - each.start_ns for each in evidence.held_out.activities) / 86_400e9
    least = evidence.settings.min_days
    why = "" if days >= least else f"needs {least:g} d held out, had {days:.3g} d"
    return Verdict("days", True if days >= least else None, days, least, "days held out >=", why)


def positive_edge(evidence: Evidence) -> Verdict:
    """Demand an edge held out above the least one, or above the champion's where that one loses money too.

    An unknown edge does not pass. A baseline that loses excuses nothing: nobody quotes it.
    """
    edge = evidence.held_out.metrics.overall["edge_bps"]
    rival = evidence.rival.metrics.overall["edge_bps"]
    least = evidence.settings.min_edge_bps
    if evidence.rival_name == CHAMPION and np.isfinite(rival) and rival < least:
        return Verdict("edge", bool(edge > rival), edge, rival, f"edge held out, bps > {CHAMPION}'s")
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


BASIC: Final[tuple[Gate, ...]] = (
    enough_fills,
    enough_days,
    positive_edge,
    beats_champion,
    bounded_drawdown,
    same_kernel,
)
GATES: Final[tuple[Gate, ...]] = BASIC + ROBUST


def judge(evidence: Evidence, gates: Sequence[Gate] = GATES) -> tuple[Verdict, ...]:
    """Return every gate's verdict."""
    return tuple(gate(evidence) for gate in gates)


def capital(evidence: Evidence) -> float:
    """Return the holdings at the start of the held-out fold, quote currency."""
    first = evidence.held_out.activities[0]
    atoms = first.start_quote_atoms + first.start_base_lots * first.start_mid_ticks
    instrument = evidence.document.instrument
    return atoms * float(instrument.tick_size) * float(instrument.lot_size)
