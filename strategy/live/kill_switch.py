"""The kill switch of one symbol, as files: thrown while `kill.json` lies in the live folder, whoever runs or dies.

Only `rearm` takes that file away for good, and it writes down for which kill it did so (`rearmed.json`): a running
process believes nothing else. A file called `kill`, or a `kill.json` that cannot be read, throws the switch too.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from strategy.kernel.records import KILL_NAMES, KILLED_BY_HAND
from strategy.live.layout import GUARD_FILE, LEDGER_FILE
from strategy.policies.document import write_atomically

KILL_FILE: Final = "kill.json"
REARM_FILE: Final = "rearmed.json"
HAND_FILE: Final = "kill"
HALT_FILE: Final = "halt"  # not the switch: a pause for as long as the file lies there

Record = TypeVar("Record", bound=BaseModel)


class Kill(BaseModel):
    """Why, when and by whom the switch was thrown; `version` and `session` are those that were quoting."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    at_ns: int
    cause: str
    reason: str
    who: str
    session: str = ""
    version: int | None = None

    @property
    def code(self) -> int:
        """Return the kernel's number of the cause."""
        return KILL_NAMES.index(self.cause) if self.cause in KILL_NAMES[1:] else KILLED_BY_HAND

    def __str__(self) -> str:
        """Return one line for a person."""
        return f"{self.cause}, by {self.who}: {self.reason}"


class Rearmed(BaseModel):
    """Who armed the switch anew after which kill."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kill: Kill
    at_ns: int
    reason: str
    who: str


class KillSwitch:
    """The switch in one live folder. Every process may throw it at any time; the first kill stays."""

    def __init__(self, folder: Path) -> None:
        """Look at a live folder, which need not exist yet."""
        self._folder = folder
        self.path = folder / KILL_FILE

    def read(self) -> Kill | None:
        """Return the kill in force, None while the switch is armed."""
        kill = _read(self.path, Kill)
        if kill is None and (self._folder / HAND_FILE).exists():
            return _by_hand(self._folder / HAND_FILE, f"a file {HAND_FILE} was put there")
        return _by_hand(self.path, "the file cannot be read") if isinstance(kill, str) else kill

    def throw(self, kill: Kill) -> bool:
        """Throw the switch, on disk before this returns; False when it is thrown already."""
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / f".{KILL_FILE}.{secrets.token_hex(4)}"
        write_atomically(temporary, _bytes(kill))
        try:
            os.link(temporary, self.path)  # unlike a rename it never replaces an earlier kill
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
        _sync_folder(self._folder)
        return True

    def keep(self) -> Kill | None:
        """Write down a kill for which there was but a bare file, and return it; None when there is none such."""
        bare = (self._folder / HAND_FILE).exists()
        unreadable = isinstance(_read(self.path, Kill), str)
        kill = self.read() if bare or unreadable else None
        if kill is None:
            return None
        if unreadable:
            write_atomically(self.path, _bytes(kill))
        else:
            self.throw(kill)
        (self._folder / HAND_FILE).unlink(missing_ok=True)
        return kill

    def rearm(self, reason: str, who: str) -> Kill | None:
        """Arm the switch anew and return the kill that ends; None when it was armed."""
        if self.read() is None:
            return None
        with self._alone():
            kill = self.read()
            if kill is None:
                return None
            record = Rearmed(kill=kill, at_ns=time.time_ns(), reason=reason, who=who)
            write_atomically(self._folder / REARM_FILE, _bytes(record))
            for name in (HAND_FILE, LEDGER_FILE, GUARD_FILE, KILL_FILE):
                (self._folder / name).unlink(missing_ok=True)
            _sync_folder(self._folder)
        return kill

    def rearmed_after(self, kill: Kill) -> Rearmed | None:
        """Return the record of a person's re-arming after exactly this kill."""
        found = _read(self._folder / REARM_FILE, Rearmed)
        return found if isinstance(found, Rearmed) and found.kill == kill else None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep a second person from re-arming at the same time: that could take a newer kill away unseen."""
        descriptor = os.open(self._folder / ".rearm.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def by_hand(reason: str, who: str) -> Kill:
    """Return a kill that a person throws now."""
    return Kill(at_ns=time.time_ns(), cause=KILL_NAMES[KILLED_BY_HAND], reason=reason, who=who)


def _by_hand(path: Path, what: str) -> Kill:
    """Return the kill that a bare file stands for; its own stamp and owner say when and who."""
    at_ns, who = 0, "unknown"
    with suppress(OSError, KeyError):
        at_ns, who = path.stat().st_mtime_ns, path.owner()
    return Kill(at_ns=at_ns, cause=KILL_NAMES[KILLED_BY_HAND], reason=f"{path}: {what}", who=who)


def _read(path: Path, kind: type[Record]) -> Record | str | None:
    """Return a record, None without a file, and what is wrong with one that cannot be read."""
    try:
        return kind.model_validate(orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, orjson.JSONDecodeError, ValidationError) as error:
        return str(error)


def _bytes(record: BaseModel) -> bytes:
    return orjson.dumps(record.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _sync_folder(folder: Path) -> None:
    """Put the folder's names on disk: a power cut must not take a kill back."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
