"""Verdicts of gates: what is stored with a version, what people read, and what blocks a promotion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from strategy.policies.document import ParameterDocument

WORDS: Final[Mapping[bool | None, str]] = {True: "passed", False: "failed", None: "not applicable"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate's answer; `rule` says in words how value and threshold compare, `why` what more there is to know.

    `passed` is None where there is not enough to judge by: `why` then says what is needed.
    """

    name: str
    passed: bool | None
    value: float | str
    threshold: float | str
    rule: str
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as it is stored in a document; a value that is not known is stored as a word."""
        value = "unknown" if isinstance(self.value, float) and not np.isfinite(self.value) else self.value
        kept = {"name": self.name, "passed": self.passed, "value": value}
        return kept | {"threshold": self.threshold, "rule": self.rule, "why": self.why}


def blocks(passed: bool | None, require_all: bool = False) -> bool:
    """Say whether an answer stands in the way of a promotion."""
    return require_all if passed is None else not passed


def gate_words(verdicts: Sequence[Verdict]) -> str:
    """Return `passed` or which gates were not, and which had nothing to judge by."""
    missed = [verdict.name for verdict in verdicts if verdict.passed is False]
    silent = [verdict.name for verdict in verdicts if verdict.passed is None]
    said = f"failed: {', '.join(missed)}" if missed else "passed"
    return f"{said}; not applicable: {', '.join(silent)}" if silent else said


def gate_rows(document: ParameterDocument) -> list[tuple[str, str, Any, Any, str]]:
    """Return a stored version's gates as rows: name, verdict, value, threshold, and how they compare or why not."""
    return [
        (gate["name"], WORDS[gate["passed"]], gate["value"], gate["threshold"], _said(gate))
        for gate in document.provenance.gates
    ]


def failed(document: ParameterDocument, require_all: bool = False) -> list[str]:
    """Return one line for each gate that stands in a version's way; no gates at all is in its way too."""
    if not document.provenance.gates:
        return [f"version {document.version} carries no gate verdicts"]
    return [_line(gate) for gate in document.provenance.gates if blocks(gate["passed"], require_all)]


def _line(gate: Mapping[str, Any]) -> str:
    why = f"; {gate['why']}" if gate.get("why") else ""
    if gate["passed"] is None:
        return f"gate {gate['name']}: not applicable{why}"
    return f"gate {gate['name']}: {short(gate['value'])} ({gate['rule']} {short(gate['threshold'])}){why}"


def _said(gate: Mapping[str, Any]) -> str:
    return "; ".join(each for each in (gate.get("rule", ""), gate.get("why", "")) if each)


def short(value: Any) -> str:
    """Return a gate's value or threshold as people read it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
