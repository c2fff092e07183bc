"""A live session's decisions made once more from its journal, and compared field by field."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from strategy.errors import BadData
from strategy.live.journal import ACTION_FIELDS, Entry, action_fields, decision_fields, event_record, read_journal
from strategy.live.sizing import at_size, size_factor, sized
from strategy.live.warm_up import LiveStepper, WarmUp
from strategy.policies.document import Instrument, ParameterDocument
from strategy.policies.parameters import ParameterSet

_KEPT: Final = 100  # differences listed; all are counted


class Difference(NamedTuple):
    """One field that came out otherwise. `live` or `replayed` is None where one side has no such record at all."""

    seq: int
    record: str  # decision | action N
    field: str
    live: Any
    replayed: Any

    def __str__(self) -> str:
        """Return one line for a person."""
        return f"event {self.seq}: {self.record} {self.field} was {self.live!r} live, is {self.replayed!r} replayed"


@dataclass(frozen=True, slots=True)
class ParityReport:
    """What was compared and what differed."""

    session: str
    events: int
    decisions: int
    actions: int
    versions: tuple[int, ...]
    differences: tuple[Difference, ...]
    differing: int
    complete: bool  # the session ended in order

    @property
    def equal(self) -> bool:
        """Say whether every decision and action came out the same."""
        return self.differing == 0


class _Replay:
    """The journal's reader: what the strategy said live after each event, against what it says now."""

    def __init__(self, path: Path, document: ParameterDocument | None) -> None:
        self._path, self._override = path, document
        self._stepper: LiveStepper | None = None
        self._instrument: Instrument | None = None
        self._warm_up: WarmUp | None = None
        self._expected: list[tuple[str, dict[str, Any]]] = []
        self._seq = 0
        self.session = ""
        self.counts = {"event": 0, "decision": 0, "action": 0}
        self.versions: list[int] = []
        self.differences: list[Difference] = []
        self.differing = 0
        self.complete = False

    def take(self, entry: Entry) -> None:
        body, kind = entry.body, str(entry.body["t"])
        if kind == "session":
            self._begin(body)
        elif self._stepper is None:
            raise BadData(f"{self._path} line {entry.number} comes before the session line")
        elif kind == "parameters":
            self._swap(self._stepper, recorded_document(body))
        elif kind == "candidate":
            self._learn(recorded_document(body), entry.local_ns)
        elif kind == "event":
            self._feed(self._stepper, body["e"])
        elif kind in ("decision", "action"):
            self._compare(entry, kind, body)
        self.complete = kind == "end"
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def finish(self, torn: bool) -> None:
        """Report what the replay said after the last event and the journal does not; a torn end proves nothing."""
        if not torn:
            self._flush()

    def _begin(self, body: dict[str, Any]) -> None:
        recorded = recorded_document(body)
        self.session = body["session"]
        self.versions.append((self._override or recorded).version)
        holdings = (float(body["base_lots"]), float(body["quote_atoms"]))
        # the version stays the recorded one: another set of parameters is to be compared, not another number
        self._instrument = recorded.instrument
        self._stepper = LiveStepper(
            self._parameters(recorded), recorded.instrument, *holdings, version=recorded.version
        )

    def _parameters(self, recorded: ParameterDocument) -> ParameterSet:
        """Return what was quoted with, or what is tried in its place, as large as it was quoted."""
        return sized((self._override or recorded).parameters, size_factor(recorded))

    def _swap(self, stepper: LiveStepper, document: ParameterDocument) -> None:
        self._flush()
        self.versions.append(document.version)
        parameters = self._parameters(document)
        if self._warm_up is not None and self._warm_up.document.content_hash == document.content_hash:
            stepper.swap_warm(parameters, document.version, self._warm_up.stepper)
        else:
            stepper.swap(parameters, document.version)
        self._warm_up = None

    def _learn(self, document: ParameterDocument, local_ns: int) -> None:
        self._flush()
        assert self._instrument is not None
        self._warm_up = WarmUp(document, self._parameters(document), self._instrument, local_ns)

    def _feed(self, stepper: LiveStepper, fields: dict[str, Any]) -> None:
        self._flush()
        self._seq = int(fields["seq"])
        event = event_record(fields)
        count = stepper.feed(event)
        self._expected = [("decision", decision_fields(stepper.decision))] if stepper.decided else []
        self._expected += [("action", action_fields(action)) for action in stepper.actions[:count]]
        if self._warm_up is not None:
            self._warm_up.feed(event, stepper)

    def _compare(self, entry: Entry, kind: str, body: dict[str, Any]) -> None:
        live = body["d"] if kind == "decision" else {name: body.get(name) for name in ACTION_FIELDS}
        if not self._expected or self._expected[0][0] != kind:
            self._differ(kind, "", "made", None)
            return
        replayed = self._expected.pop(0)[1]
        for name in sorted(set(live) | set(replayed)):
            if live.get(name) != replayed.get(name):
                self._differ(kind, name, live.get(name), replayed.get(name))

    def _flush(self) -> None:
        for kind, _ in self._expected:
            self._differ(kind, "", None, "made")
        self._expected = []

    def _differ(self, record: str, name: str, live: Any, replayed: Any) -> None:
        self.differing += 1
        if len(self.differences) < _KEPT:
            self.differences.append(Difference(self._seq, record, name, live, replayed))


def recorded_document(body: dict[str, Any]) -> ParameterDocument:
    """Return the version that a journal line carries, as large as it was quoted."""
    return at_size(ParameterDocument.model_validate(body["document"]), body.get("size_factor", 1.0))


def check(journal_path: Path, document: ParameterDocument | None = None) -> ParityReport:
    """Replay a journal and compare; `document` replaces the recorded parameters wherever they were used.

    A journal that ends without its `end` line (kill -9) is compared up to its last whole line. BadData names a line
    that is wrong; a journal without a session line is wrong too.
    """
    replay = _Replay(journal_path, document)
    for entry in read_journal(journal_path):
        replay.take(entry)
    if not replay.session:
        raise BadData(f"{journal_path} has no session line")
    replay.finish(torn=not replay.complete)
    return ParityReport(
        session=replay.session,
        events=replay.counts["event"],
        decisions=replay.counts["decision"],
        actions=replay.counts["action"],
        versions=tuple(replay.versions),
        differences=tuple(replay.differences),
        differing=replay.differing,
        complete=replay.complete,
    )
