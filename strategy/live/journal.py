"""What a live session saw, decided and did, line by line, in the order in which the strategy was fed.

`<local_ns> {"t": KIND, …}`; the kinds and their fields are the methods of `JournalWriter`. Floats are written with
the shortest text that reads back as the same number, so a replay of the journal can be compared exactly.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from strategy.errors import BadData
from strategy.kernel.records import ACTION, DECISION, EVENT
from strategy.live.segment import SUFFIX, LineFile, compress
from strategy.live.sizing import size_factor
from strategy.policies.document import ParameterDocument
from strategy.venues.collector import CollectorFile

ACTION_FIELDS: Final = ACTION.names or ()
DECISION_FIELDS: Final = DECISION.names or ()
_EVENT_FIELDS: Final = EVENT.names or ()
_UNBEGUN: Final = f"{SUFFIX}.tmp"


class Entry(NamedTuple):
    """One line of a journal; `body["t"]` is its kind."""

    number: int
    local_ns: int
    body: dict[str, Any]


class JournalWriter:
    """The journal of one session. Lines survive a killed process at once and a power cut after `sync`."""

    def __init__(self, folder: Path, session: str, file: Callable[[Path], LineFile] = LineFile) -> None:
        """Create the session's file under a name that no reader takes for a journal's; `session` gives it its own."""
        for never_begun in folder.glob(f".*{_UNBEGUN}"):
            never_begun.unlink()
        self.path = folder / f"{session}{SUFFIX}"
        self._file = file(folder / f".{session}{_UNBEGUN}")
        self._lines: list[tuple[int, bytes]] = []
        self._held = False

    def session(self, local_ns: int, head: dict[str, Any], missed: Iterable[dict[str, Any]] = ()) -> None:
        """Write the head and the executions that an earlier session missed: a journal has all of it, or is not there.

        The head: session, document, size_factor, base_lots, quote_atoms, last_trade_id, kernel_digest. Its holdings and
        its last_trade_id have the missed executions in them.
        """
        self._write(local_ns, "session", head)
        for fill in missed:
            self.fill(local_ns, fill)
        self._file.rename(self.path)

    def event(self, event: np.void) -> None:
        """Write an event that is about to be fed."""
        self._write(int(event["local_ts"]), "event", {"e": event_fields(event)})

    def parameters(self, local_ns: int, document: ParameterDocument, seq: int) -> None:
        """Write the document that applies from event `seq` on."""
        self._write(local_ns, "parameters", _document_fields(document) | {"seq": seq})

    def candidate(self, local_ns: int, document: ParameterDocument, seq: int) -> None:
        """Write a document that learns volatility from event `seq` on, while the one before it still decides."""
        self._write(local_ns, "candidate", _document_fields(document) | {"seq": seq})

    def decision(self, local_ns: int, decision: np.void) -> None:
        """Write a decision; nan becomes null."""
        self._write(local_ns, "decision", {"d": dict(zip(DECISION_FIELDS, decision.item(), strict=True))})

    def action(self, local_ns: int, action: dict[str, Any]) -> None:
        """Write an action: seq, the ACTION fields, client_id, version, regime, mid_ticks."""
        self._write(local_ns, "action", action)

    def veto(self, local_ns: int, order_id: int, reason: str) -> None:
        """Write that the guard kept an action from the venue."""
        self._write(local_ns, "veto", {"order_id": order_id, "reason": reason})

    def order(self, local_ns: int, step: dict[str, Any]) -> None:
        """Write a step in an order's life: place, ack, reject, cancel, cancelled or unknown; `exch_ts` 0 = not told."""
        self._write(local_ns, "order", step)
        self._write_out()

    def fill(self, local_ns: int, fill: dict[str, Any]) -> None:
        """Write an execution of ours, once."""
        self._write(local_ns, "fill", fill)
        self._write_out()

    def listed(self, local_ns: int, trade_id: int) -> None:
        """Write that the venue's own list was read: no execution of ours up to this one is missing here."""
        self._write(local_ns, "listed", {"trade_id": trade_id})

    def end(self, local_ns: int, reason: str) -> None:
        """Write that the session ended in order."""
        self._write(local_ns, "end", {"reason": reason})

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write the block's lines at its end, in one go; a step in an order's life and a fill are written at once."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            self._write_out()

    def sync(self) -> None:
        """Put everything on disk."""
        self._file.sync()

    def close(self) -> None:
        """Close and compress; a journal that never began goes."""
        self._file.close()
        if self._file.path == self.path:
            compress(self.path)
        else:
            self._file.path.unlink()

    def _write(self, local_ns: int, kind: str, body: dict[str, Any]) -> None:
        self._lines.append((local_ns, orjson.dumps({"t": kind, **body}, option=orjson.OPT_SERIALIZE_NUMPY)))
        if not self._held:
            self._write_out()

    def _write_out(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            self._file.append_all(lines)


def _document_fields(document: ParameterDocument) -> dict[str, Any]:
    return {"document": document.model_dump(mode="json"), "size_factor": size_factor(document)}


def event_fields(event: np.void) -> dict[str, int | float]:
    """Return the fields of an event that are not zero."""
    values = zip(_EVENT_FIELDS, event.item(), strict=True)
    return {name: value for name, value in values if value != 0}


def event_record(fields: dict[str, int | float]) -> np.void:
    """Return the event that `event_fields` described."""
    record: np.void = np.zeros(1, EVENT)[0]
    for name, value in fields.items():
        record[name] = value
    return record


def decision_fields(decision: np.void) -> dict[str, Any]:
    """Return all fields of a decision; nan becomes null."""
    return {name: _plain(value) for name, value in zip(DECISION_FIELDS, decision.item(), strict=True)}


def action_fields(action: np.void) -> dict[str, int]:
    """Return the fields of an action."""
    return dict(zip(ACTION_FIELDS, action.item(), strict=True))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if isinstance(value, float) and math.isnan(value) else value


def read_journal(path: Path) -> Iterator[Entry]:
    """Yield the lines of a journal (plain or .zst) up to the last whole one; a wrong line is BadData naming it."""
    for line in CollectorFile(path):
        try:
            body = orjson.loads(line.payload)
        except orjson.JSONDecodeError as error:
            raise BadData(f"{path} line {line.number} is not JSON ({error})") from error
        if line.local_ns < 0 or not isinstance(body, dict) or "t" not in body:
            raise BadData(f"{path} line {line.number} is not a journal line: {line.payload[:60]!r}")
        yield Entry(line.number, line.local_ns, body)
