"""Where a study's trials are kept while it runs: in memory, and with a folder in a journal that it goes on from.

The journal is Optuna's own format (`optuna.storages.journal`), so its tools read it, but not its own file backend: that
one locks and syncs a dozen times a trial. Here everything is answered from memory; what a trial added is written as one
piece when it is told, and synced once a batch.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.trial import TrialState

from analytics.study.trials import TrialRow
from strategy.errors import BadInput, Failed


class Store:
    """One study and its journal, if it has one."""

    def __init__(self, study: Any, journal: "Journal | None") -> None:
        """Take an open study."""
        self.study, self._journal = study, journal

    def keep(self) -> None:
        """Write what was added: it outlives this process."""
        if self._journal is not None:
            self._journal.write()

    def sync(self) -> None:
        """Put what was written on the disk: it outlives the machine."""
        if self._journal is not None:
            self._journal.sync()


def rows_of(study: Any) -> list[TrialRow]:
    """Return a study's finished trials, pruned ones too."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    return [TrialRow.of_json(trial.user_attrs["row"]) for trial in done]


class Logs:
    """Journal lines in memory (Optuna's backend contract)."""

    def __init__(self, lines: bytes, path: Path) -> None:
        """Take a journal's content; a last line without an end is left out, any other fault is a failure."""
        whole = lines[: lines.rfind(b"\n") + 1].splitlines()
        try:
            self._logs = [json.loads(line) for line in whole]
        except ValueError as error:
            raise Failed(f"study journal {path} is damaged: {error}") from error

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        """Return the logs from a number on."""
        return self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Take logs in."""
        self._logs += logs


class Journal(Logs):
    """A journal file behind lines in memory; holds the file's lock for as long as it is open."""

    def __init__(self, path: Path) -> None:
        """Read what is there; a last line that a killed process did not finish is cut off."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise Failed(f"study {path.stem} is being run by another process") from error
        self._file.seek(0)
        lines = self._file.readall()
        try:
            super().__init__(lines, path)
        except Failed:
            self._file.close()
            raise
        self._kept = len(self._logs), lines.rfind(b"\n") + 1  # logs in the file, and its bytes

    def write(self) -> None:
        """Hand the lines that are not yet in the file to the system; what Ctrl-C left half written is written anew."""
        count, size = self._kept
        # json, not orjson: a figure that is not known is nan and has to stay it
        lines = [json.dumps(log, separators=(",", ":")) + "\n" for log in self._logs[count:]]
        data = rest = "".join(lines).encode()
        self._file.truncate(size)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._kept = count + len(lines), size + len(data)

    def sync(self) -> None:
        """Wait until what was written is on the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Write the rest and let the lock go."""
        self.write()
        self.sync()
        self._file.close()


@contextmanager
def opened(name: str, folder: Path | None, resume: str | None, objectives: int = 1) -> Iterator[Store]:
    """Open a study, new or as it was left; trials that were under way when it was left are given up.

    `resume` is the name of a study that must be this one and must have been left here.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if resume not in (None, name):
        raise BadInput(f"study {resume} cannot go on: these inputs make study {name}")
    if folder is None:
        yield Store(_study(name, InMemoryStorage(), objectives), None)
        return
    path = folder / f"{name}.journal"
    if resume is not None and not path.exists():
        raise BadInput(f"study {resume} cannot go on: {path} does not exist")
    journal = Journal(path)
    try:
        yield Store(_study(name, JournalStorage(journal), objectives), journal)
    finally:
        journal.close()


def read(path: Path) -> Any:
    """Return the study of a journal as it stands, without touching the file; None when it was never begun."""
    logs = Logs(path.read_bytes(), path)
    return optuna.load_study(study_name=path.stem, storage=JournalStorage(logs)) if logs.read_logs(0) else None


def _study(name: str, storage: Any, objectives: int) -> Any:
    directions = ["maximize"] * objectives
    study = optuna.create_study(study_name=name, directions=directions, storage=storage, load_if_exists=True)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    return study
