import math
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategy.errors import BadData
from strategy.kernel.records import BOOK, DECISION, EVENT, FILL
from strategy.live.journal import JournalWriter, decision_fields, event_fields, event_record, read_journal


def an_event(**fields: float) -> np.void:
    record = np.zeros(1, EVENT)[0]
    for name, value in fields.items():
        record[name] = value
    return record


def test_lines_come_back_in_order_from_the_closed_journal(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path, "s1")
    journal.session(1, {"session": "s1"})
    journal.event(an_event(kind=BOOK, local_ts=2, seq=1, bid_ticks=7))
    journal.veto(2, 5, "collar")
    journal.end(3, "stopped")
    journal.close()
    entries = list(read_journal(tmp_path / "s1.log.zst"))
    assert [(entry.local_ns, entry.body["t"]) for entry in entries] == [
        (1, "session"),
        (2, "event"),
        (2, "veto"),
        (3, "end"),
    ]
    assert entries[1].body["e"] == {"kind": BOOK, "local_ts": 2, "seq": 1, "bid_ticks": 7}


def test_lines_held_together_are_out_before_a_step_of_an_order_returns(tmp_path: Path) -> None:
    def kinds() -> list[str]:
        return [entry.body["t"] for entry in read_journal(tmp_path / "s1.log")]

    journal = JournalWriter(tmp_path, "s1")
    journal.session(1, {"session": "s1"})
    with journal.together():
        journal.event(an_event(kind=BOOK, local_ts=2, seq=1))
        assert kinds() == ["session"]
        journal.order(2, {"what": "place"})
        assert kinds() == ["session", "event", "order"]
        journal.veto(2, 5, "collar")
    assert kinds() == ["session", "event", "order", "veto"]
    journal.close()


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "s1.log"
    path.write_bytes(b'1 {"t":"session"}\n2 {"t":"event","e":{"kin')
    assert [entry.body["t"] for entry in read_journal(path)] == ["session"]


def test_a_wrong_line_inside_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "s1.log"
    path.write_bytes(b'1 {"t":"session"}\nrubbish\n')
    with pytest.raises(BadData, match=r"s1.log line 2 is not"):
        list(read_journal(path))


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**62), 2**62))
def test_an_event_survives_the_journal_exactly(amount: float, number: int) -> None:
    event = an_event(kind=FILL, seq=3, local_ts=9, qty_lots=number, fee_base_lots=amount)
    fields = orjson.loads(orjson.dumps(event_fields(event)))
    assert event_record(fields) == event


def test_a_decision_carries_every_field_and_nan_as_null(tmp_path: Path) -> None:
    decision = np.zeros(1, DECISION)[0]
    decision["sigma"] = math.nan
    decision["want_bid_ticks"][2] = 5
    fields = decision_fields(decision)
    assert set(fields) == set(DECISION.names or ())
    assert fields["sigma"] is None
    assert fields["want_bid_ticks"][:3] == [0, 0, 5]
    journal = JournalWriter(tmp_path, "s1")
    journal.session(1, {"session": "s1"})
    journal.decision(2, decision)
    assert list(read_journal(tmp_path / "s1.log"))[1].body["d"] == fields
    journal.close()
