"""Who moved a version: the same rows before and after ingest has taken the audit's file in."""

import pytest

from flows.audit import COLUMNS, audit
from flows.cli import run
from flows.settings import load_settings
from strategy.live.audit_log import audit_writer

pytestmark = pytest.mark.slow

PLACE = {"venue": "paper", "symbol": "BTC/FDUSD"}
MOVES = [
    (100, "promote", None, 1, "ada", "first", "no quoting process: applies at its next start"),
    (200, "promote", 1, 2, "ada", "second", "acknowledged by session s"),
    (300, "rollback", 2, 1, "bob", "worse", "acknowledged by session s"),
]


def write(settings, rows) -> None:
    for at_ns, *rest in rows:
        audit_writer(settings.layout, lambda at_ns=at_ns: at_ns)(PLACE | dict(zip(COLUMNS[1:], rest, strict=True)))


def test_every_move_is_shown_once_taken_in_or_not(command_home, capsys):
    settings = load_settings()
    write(settings, MOVES[:2])
    audit_writer(settings.layout)(
        PLACE | {"symbol": "ETH/FDUSD", "what": "promote", "to_version": 9, "who": "eve", "reason": "", "outcome": ""}
    )
    assert run(["ingest"]) == 0
    assert audit(settings).rows() == MOVES[:2]
    write(settings, MOVES[2:])
    with next(settings.layout.audit.glob("*.log")).open("ab") as file:
        file.write(b'400 {"venue": "pap')  # its writer was killed
    assert audit(settings).rows() == MOVES
    assert run(["ingest"]) == 0
    assert audit(settings).rows() == MOVES
    capsys.readouterr()
    assert run(["versions", "--moves"]) == 0
    shown = capsys.readouterr().out
    assert "worse" in shown
    assert "eve" not in shown
