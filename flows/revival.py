"""Recorders and quoting processes that died are started again, with growing pauses.

A held record (`flows/processes.py`) without its process says that somebody died: an orderly end takes it away. What a
deployment's run was doing is run again with its parameters; a process that a person started is only told of. Which run
took the place of which, and how often, is kept in `reconcile/revivals.json`.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, TypeAdapter

from flows import events, log, prefect_api, processes
from flows.processes import Record
from flows.settings import Settings, load_settings
from strategy.live.capture_status import unslug
from strategy.policies.document import write_atomically

ROLES: Final = ("quote", "record")
PAUSES_S: Final = (0.0, 15.0, 30.0, 60.0, 120.0, 300.0)
HEALTHY_S: Final = 600.0  # one that lived so long begins anew with the pauses
PENDING_S: Final = 180.0  # a run that has not begun by then is given up
ENDED: Final = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
BY_A_PERSON: Final = ("CANCELLED", "CANCELLING", "COMPLETED")
NO_PLACE: Final = "concurrency limit"


class Revival(BaseModel):
    """What was done about a process that died: so many attempts, the newest at `at_s` as this run."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    at_s: float
    attempts: int
    run: str


_TABLE: Final = TypeAdapter(dict[str, Revival])


def revive(settings: Settings) -> list[str]:
    """Start what died again, as soon as its pause is over; return the names of what was started."""
    with processes.turn(settings.home, "revive"):
        table = _read(settings)
        started = [name for name in _dead(settings) if _attend(settings, name, table)]
        _write(settings, table)
    return started


def _dead(settings: Settings) -> Iterator[str]:
    """Yield one name for each dead process: a recorder of several markets has a record for each."""
    seen: set[int] = set()
    for name, record in processes.records(settings.home).items():
        if name.startswith(ROLES) and record.process() is None and record.pid not in seen:
            seen.add(record.pid)
            yield name


def _attend(settings: Settings, name: str, table: dict[str, Revival]) -> bool:
    """Do what is due about one dead process; say whether it was started again."""
    record = processes.records(settings.home)[name]
    run = prefect_api.flow_run(settings, record.run) if record.run else None
    if run is None or run["deployment_id"] is None:
        _told(settings, record, "it was started by hand: start it again")
        _forget(settings, record)
        return False
    if run["state_type"] in BY_A_PERSON or _given_up(settings, table.get(name)):
        _forget(settings, record)
        table.pop(name, None)
        return False
    before = _before(record, table.get(name))
    if not _due(settings, before):
        return False
    if run["state_type"] not in ENDED:
        prefect_api.crash(settings, record.run, f"process {record.pid} is gone")
    new = prefect_api.start_run(settings, run["deployment_id"], run["parameters"])
    table[name] = Revival(at_s=time.time(), attempts=before.attempts + 1, run=new)
    _told(settings, record, f"started again, attempt {before.attempts + 1}")
    return True


def _before(record: Record, known: Revival | None) -> Revival:
    """Return what has been tried since the process last was healthy."""
    if known is None or (record.created > known.at_s and time.time() - record.created > HEALTHY_S):
        return Revival(at_s=0.0, attempts=0, run="")
    return known


def _due(settings: Settings, before: Revival) -> bool:
    """Say whether the pause is over and no earlier attempt is under way still."""
    waited = time.time() - before.at_s
    if waited < PAUSES_S[min(before.attempts, len(PAUSES_S) - 1)]:
        return False
    run = prefect_api.flow_run(settings, before.run) if before.run else None
    return run is None or run["state_type"] in ENDED or waited > PENDING_S


def _given_up(settings: Settings, known: Revival | None) -> bool:
    """Say whether a person cancelled the newest attempt; one without a place among the concurrent ones is no person."""
    run = prefect_api.flow_run(settings, known.run) if known is not None else None
    if run is None or run["state_type"] not in ("CANCELLED", "CANCELLING"):
        return False
    return NO_PLACE not in str((run.get("state") or {}).get("message") or "")


def _told(settings: Settings, record: Record, what: str) -> None:
    role, venue, symbol = record.name.split("-", 2)
    market = load_settings(home=settings.home, venue=venue, symbol=unslug(symbol))
    log.say("died", name=record.name, pid=record.pid, what=what)
    command = f"microvol {role} {events.way(market)}"
    events.alert(market, "died", value=f"{role} pid {record.pid}: {what}", limit="running", command=command)


def _forget(settings: Settings, record: Record) -> None:
    for name, other in processes.records(settings.home).items():
        if other.pid == record.pid:
            processes.forget(settings.home, name, record.pid)


def _file(settings: Settings) -> Path:
    return settings.home / "reconcile" / "revivals.json"


def _read(settings: Settings) -> dict[str, Revival]:
    try:
        return _TABLE.validate_python(orjson.loads(_file(settings).read_bytes()))
    except FileNotFoundError:
        return {}


def _write(settings: Settings, table: dict[str, Revival]) -> None:
    content: dict[str, Any] = {name: each.model_dump() for name, each in table.items()}
    write_atomically(_file(settings), orjson.dumps(content, option=orjson.OPT_INDENT_2))
