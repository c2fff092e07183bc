"""Workers of a study: the process that runs it opens an exchange, others join it and replay until the study is over."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from optuna.storages import RDBStorage

from analytics.study.ask_and_tell import StudySettings
from analytics.study.bell import bell
from analytics.study.exchange import Exchange, Over, discard, shared_studies
from analytics.study.folds import Folds
from analytics.study.mirror import Mirror
from analytics.study.objective import Bench
from analytics.study.postgres import address, is_locked, locked, reached
from analytics.study.shared import SharedSettings
from analytics.study.shared_bench import LOOK_S, SharedBench, replay_share
from analytics.study.store import Store
from strategy.errors import Failed
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.kernel.sources import digest_of

PLAN: Final = "plan"
CODE: Final = "code"
PATIENCE_S: Final = 10  # for the lock of a study: long beside the moments for which workers look at it
AWAITED_S: Final = 120.0  # for a study that is named and is not there yet
ROOMS: Final = ("study", "metrics")  # of analytics: what makes a score of a replay


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a worker made of a study's plan: the study as it is called here, and all that replays it."""

    name: str
    bench: Bench
    folds: Folds
    settings: StudySettings


@contextmanager
def sharing(settings: StudySettings, name: str, store: Store, bench: Bench, folds: Folds) -> Iterator[Bench]:
    """Yield a study's bench: the one given, or where processes share the study one to which workers can join."""
    shared = settings.shared
    if not shared.storage:
        yield bench
        return
    with (
        reached(shared.storage, shared.silence_s) as storage,
        _alone(shared, name),
        bell(storage, name) as ringing,
    ):
        mirror = Mirror(storage, store.study)
        exchange = Exchange.anew(storage, name, _here(), {PLAN: settings.plan, CODE: code_digest()})
        ahead = settings.search.prune == 0
        try:
            own = {"train": folds.train, "together": shared.share, "ahead": ahead}
            yield SharedBench.of(bench, exchange=exchange, bell=ringing, **own)
            mirror.follow(store.study)
        finally:
            discard(storage, name)


def work(
    shared: SharedSettings,
    study: str | None,
    prepare: Callable[[str], Prepared],
    stop: threading.Event,
    said: Callable[[str, int], None],
) -> int:
    """Replay for a study until it is over, or for whatever studies there are until `stop`; return how many replays.

    `prepare` makes the study of its plan. What it makes must be the very same study, or no number would be: another
    tape, setting or code is a failure. `said` hears of each share: the study and the replays so far.
    """
    total = 0
    with reached(shared.storage, shared.silence_s) as storage:
        while (name := _running(storage, study, stop)) is not None:
            total += _work_for(storage, name, prepare, stop, said)
            if study is not None:
                break
    return total


def code_digest() -> str:
    """Return the digest of all code between a parameter set and its score."""
    analytics = Path(__file__).resolve().parents[1]
    paths = [path for room in ROOMS for path in sorted((analytics / room).rglob("*.py"))]
    return digest_of([(str(path.relative_to(analytics)), path) for path in paths], KERNEL_DIGEST)


def _running(storage: RDBStorage, study: str | None, stop: threading.Event) -> str | None:
    """Wait for a study that runs, the one named or any; None when `stop` came first."""
    until = time.monotonic() + AWAITED_S
    while not stop.is_set():
        for name in shared_studies(storage):
            if name == (study or name) and _runs(storage, name):
                return name
        if study is not None and time.monotonic() > until:
            raise Failed(f"study {study} does not run: nobody offered replays of it for {AWAITED_S:.0f} s")
        stop.wait(LOOK_S)
    return None


def _work_for(
    storage: RDBStorage,
    name: str,
    prepare: Callable[[str], Prepared],
    stop: threading.Event,
    said: Callable[[str, int], None],
) -> int:
    """Replay for one study until it is over or `stop`."""
    done, ready = 0, False
    try:
        exchange = Exchange(storage, name, _here())
        own = _prepared(exchange, name, prepare)
        with bell(storage, name) as ringing:
            while not stop.is_set() and _runs(storage, name):
                ready = ready or _warmed_up(exchange, own)
                if not ready or (found := replay_share(exchange, own.bench, own.folds.train)) is None:
                    ringing.wait(LOOK_S)
                    continue
                ringing.ring()
                done += len(found[0].sets)
                said(name, done)
    except Over:
        return done
    return done


def _warmed_up(exchange: Exchange, own: Prepared) -> bool:
    """Compile what a share needs before one is taken: compiling leaves little time for signs of life."""
    first = exchange.first()
    if first is not None:
        own.bench.warm_up(first.sets[:1], own.folds.train, own.settings.search.batch, own.settings.trials)
    return first is not None


def _prepared(exchange: Exchange, name: str, prepare: Callable[[str], Prepared]) -> Prepared:
    if exchange.told(CODE) != code_digest():
        raise Failed(f"study {name} cannot be replayed here: it is run by another version of the code")
    own = prepare(exchange.told(PLAN))
    if own.name != name:
        raise Failed(f"study {name} cannot be replayed here: this tape and these settings make study {own.name}")
    return own


def _alone(shared: SharedSettings, name: str) -> AbstractContextManager[None]:
    """Be the one process that runs a study."""
    return locked(address(shared.storage), f"study {name}", PATIENCE_S)


def _runs(storage: RDBStorage, name: str) -> bool:
    return is_locked(storage, f"study {name}")


def _here() -> str:
    """Return who we are, for people who look for a worker."""
    return f"{socket.gethostname()}:{os.getpid()}"
