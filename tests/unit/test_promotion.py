"""Promotions against a registry in memory: what a failed gate stops, and what passing over it leaves behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from analytics.registry.promotion import Move, Promotion, move_champion
from strategy.errors import BadInput, Failed
from strategy.policies.document import ParameterDocument
from tests.unit.registry_documents import document_with

GOOD = {"name": "fills", "passed": True, "value": 9.0, "threshold": 5.0, "rule": "fills held out >=", "why": ""}
BAD = {"name": "edge", "passed": False, "value": -1.25, "threshold": 0.0, "rule": "edge held out, bps >", "why": ""}
SILENT = GOOD | {"name": "days", "passed": None, "why": "needs 1 days held out, had 0.1"}


class FakeRegistry:
    """Versions by number, each with its gates."""

    def __init__(self, *gates: tuple[dict[str, Any], ...]) -> None:
        self.documents = {i + 1: self._document(i + 1, each) for i, each in enumerate(gates)}
        self.moved: dict[str, int] = {"challenger": len(gates)}
        self.tags: dict[int, dict[str, str]] = {}

    def _document(self, version: int, gates: tuple[dict[str, Any], ...]) -> ParameterDocument:
        document = document_with(float(version))
        provenance = document.provenance.model_copy(update={"gates": gates})
        return document.model_copy(update={"version": version, "provenance": provenance})

    @contextmanager
    def exclusive(self, venue: str, symbol: str) -> Iterator[None]:
        yield

    def aliases(self, venue: str, symbol: str) -> dict[str, int]:
        return dict(self.moved)

    def document(self, venue: str, symbol: str, version: int) -> ParameterDocument:
        return self.documents[version]

    def point(self, venue: str, symbol: str, alias: str, version: int | None) -> None:
        if version is None:
            self.moved.pop(alias, None)
        else:
            self.moved[alias] = version

    def tag(self, venue: str, symbol: str, version: int, tags: dict[str, str]) -> None:
        self.tags[version] = tags


def move(registry: FakeRegistry, audit: list[Any], version: int | None = None, **changes: Any) -> Promotion:
    wanted: dict[str, Any] = {"what": "promote", "reason": "better", "who": "ann"} | changes
    asked = Move(
        venue="paper", symbol="BTC/FDUSD", acknowledge=lambda document: "acknowledged", audit=audit.append, **wanted
    )
    return move_champion(registry, asked, version)


def test_a_version_that_passed_is_promoted_and_nothing_was_overridden() -> None:
    registry, audit = FakeRegistry((GOOD, SILENT)), []
    done = move(registry, audit)
    assert (done.to_version, done.overridden, done.outcome) == (1, (), "acknowledged")
    assert registry.moved == {"champion": 1}
    assert "override" not in audit[0]


def test_a_failed_gate_blocks_and_says_which_why_and_how_to_go_on() -> None:
    registry, audit = FakeRegistry((GOOD, BAD)), []
    with pytest.raises(Failed) as caught:
        move(registry, audit)
    said = "version 1 is blocked by gate edge: -1.25 (edge held out, bps > 0)"
    ways = 'microvol versions --version 1 shows all; --override "why" promotes all the same'
    assert str(caught.value) == f"BTC/FDUSD: {said} ({ways})"
    assert registry.moved == {"challenger": 1}
    assert [(each["what"], each["to_version"], each["outcome"]) for each in audit] == [("refused", 1, said)]


def test_of_many_failed_gates_the_first_is_told_and_the_audit_keeps_all() -> None:
    registry, audit = FakeRegistry((BAD, BAD | {"name": "fills"}, BAD | {"name": "gain"})), []
    with pytest.raises(Failed, match=r"gate edge: -1\.25 \(edge held out, bps > 0\) and 2 more \("):
        move(registry, audit)
    assert all(f"gate {name}: -1.25" in audit[0]["outcome"] for name in ("edge", "fills", "gain"))


def test_a_version_without_verdicts_is_blocked_too() -> None:
    with pytest.raises(Failed, match="carries no gate verdicts"):
        move(FakeRegistry(()), [])


def test_an_override_promotes_and_its_reason_stands_in_audit_and_tags() -> None:
    registry, audit = FakeRegistry((GOOD, BAD)), []
    done = move(registry, audit, override="market halted, edge is known")
    assert registry.moved == {"champion": 1}
    assert done.overridden == ("gate edge: -1.25 (edge held out, bps > 0)",)
    assert audit[0]["override"] == "market halted, edge is known"
    assert audit[0]["outcome"] == "acknowledged; passed over (market halted, edge is known): edge"
    assert audit[0]["gates"] == list(done.overridden)
    assert registry.tags[1]["moved_override"] == "market halted, edge is known"


def test_an_override_that_was_not_needed_passes_over_nothing() -> None:
    registry, audit = FakeRegistry((GOOD,)), []
    assert move(registry, audit, override="to be safe").outcome == "acknowledged"
    assert registry.tags[1]["moved_override"] == ""


def test_a_gate_without_enough_data_blocks_only_where_all_are_required() -> None:
    with pytest.raises(Failed, match="gate days: not applicable; needs 1 days held out"):
        move(FakeRegistry((GOOD, SILENT)), [], require_all=True)
    assert move(FakeRegistry((GOOD, SILENT)), [], require_all=False).changed


def test_the_way_back_asks_no_gate_and_the_champion_may_be_promoted_again() -> None:
    registry: FakeRegistry = FakeRegistry((BAD,), (GOOD,))
    move(registry, [], 1, override="first")
    move(registry, [], 2)
    assert move(registry, [], what="rollback").to_version == 1
    again = move(registry, [], 1)
    assert (again.changed, again.overridden) == (False, ())


def test_an_override_needs_a_reason() -> None:
    with pytest.raises(BadInput, match="override was empty"):
        move(FakeRegistry((BAD,)), [], override=" ")
