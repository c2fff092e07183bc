"""Processes started by us, remembered by pid and creation time, so that a reused pid is never taken for ours.

A record under `<home>/run/NAME.json` says `{"pid", "created", "run"}`. A detached process outlives the command
that started it; a held record says that the current process is doing NAME and keeps a second one from starting.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from strategy.errors import Failed
from strategy.policies.document import write_atomically


@dataclass(frozen=True, slots=True)
class Record:
    """One process: its name, pid, creation time (s since the epoch), and the Prefect run that it is, if any."""

    name: str
    pid: int
    created: float
    run: str = ""

    def process(self) -> psutil.Process | None:
        """Return the process while it is still the one we mean."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def run_folder(home: Path) -> Path:
    """Return the folder of records, locks and server logs."""
    folder = home / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def records(home: Path) -> dict[str, Record]:
    """Return every record by name, dead ones too."""
    found = {}
    for path in sorted(run_folder(home).glob("*.json")):
        record = _read(path)
        if record is not None:
            found[path.stem] = record
    return found


def running(home: Path, name: str) -> Record | None:
    """Return the record of a process that is alive."""
    record = _read(run_folder(home) / f"{name}.json")
    return record if record is not None and record.process() is not None else None


def start(home: Path, name: str, command: Sequence[str], env: Mapping[str, str]) -> Record:
    """Start a detached process whose output goes to `run/NAME.log`, and remember it."""
    folder = run_folder(home)
    appended = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    outputs = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(folder / f"{name}.log"), appended, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawn(command[0], list(command), {**os.environ, **env}, file_actions=outputs, setsid=True)
    return _remember(folder, name, pid)


def stop(home: Path, name: str, grace_s: float = 10.0) -> bool:
    """End a remembered process and what it started: SIGTERM, wait, SIGKILL; return whether there was one."""
    path = run_folder(home) / f"{name}.json"
    record = _read(path)
    process = record.process() if record is not None else None
    if process is not None:
        _end(process, grace_s)
    path.unlink(missing_ok=True)
    return process is not None


def _end(process: psutil.Process, grace_s: float) -> None:
    """Ask the parent, give it `grace_s`, then kill what is left of its family."""
    try:
        family = process.children(recursive=True)
        process.terminate()
    except psutil.NoSuchProcess:
        return
    psutil.wait_procs([process], timeout=grace_s)
    left = [member for member in (process, *family) if member.is_running()]
    for member in left:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=5)


@contextmanager
def held(home: Path, name: str, what: str, run: str = "") -> Iterator[None]:
    """Be the one process that does NAME; a second one fails and names the first.

    The record goes with an orderly end, so that one without its process says that the process died.
    """
    folder = run_folder(home)
    with (folder / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            other = _read(folder / f"{name}.json")
            raise Failed(f"{what} already runs (pid {other.pid if other else 'unknown'})") from error
        _remember(folder, name, os.getpid(), run)
        try:
            yield
        finally:
            (folder / f"{name}.json").unlink(missing_ok=True)


def forget(home: Path, name: str, pid: int) -> None:
    """Take away the record of a process that is gone, unless another has taken its place."""
    path = run_folder(home) / f"{name}.json"
    record = _read(path)
    if record is not None and record.pid == pid:
        path.unlink(missing_ok=True)


@contextmanager
def turn(home: Path, name: str) -> Iterator[None]:
    """Wait until no other process is inside the same NAME; used where two would only get in each other's way."""
    with (run_folder(home) / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remember(folder: Path, name: str, pid: int, run: str = "") -> Record:
    record = Record(name, pid, psutil.Process(pid).create_time(), run)
    content = {"pid": pid, "created": record.created} | ({"run": run} if run else {})
    write_atomically(folder / f"{name}.json", json.dumps(content).encode())
    return record


def _read(path: Path) -> Record | None:
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return Record(path.stem, int(data["pid"]), float(data["created"]), data.get("run", ""))
