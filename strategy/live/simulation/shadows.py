"""The versions in the shadow of a quoting process: they come and go with their files and can do the champion no harm.

Frames are only put aside when they come. Everything else happens in a task of its own, a frame at a time, so that the
champion goes first; a shadow that fails is dropped.
"""

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numba
import structlog

from strategy.errors import Failed, MicrovolError
from strategy.live.parameter_file import checked_document
from strategy.live.simulation.assumptions import Assumptions, read_assumptions
from strategy.live.simulation.shadow import Shadow, compile_shadow
from strategy.live.simulation.shadow_files import shadow_files
from strategy.live.simulation.shadow_journal import ShadowJournal
from strategy.policies.composition import has_code, policy_names
from strategy.policies.document import Instrument, ParameterDocument
from strategy.replay.reference import LOOP
from strategy.venues.ports import Balance

log = structlog.get_logger("shadow")

BEHIND_NS: Final = 2_000_000_000  # of the clock; what reaches us later than this counts from then on
_TURN_SECONDS: Final = 0.1
_ASK_AGAIN_SECONDS: Final = 1.0
_ROOT: Final = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where shadows run: folders, names, and what they ask of the process."""

    live: Path  # the folder with their files
    journals: Path
    session: str
    instrument: Instrument
    holdings: Callable[[], Balance]  # the champion's now: a shadow begins with the same
    resnapshot: Callable[[], None]


class _Running:
    """A shadow and its journal, which begins with its first walk."""

    def __init__(self, shadow: Shadow, around: Surroundings, name: str) -> None:
        self.shadow, self.version = shadow, shadow.document.version
        self._around, self._name = around, name
        self._journal: ShadowJournal | None = None

    def walk(self, local_ns: int) -> None:
        """Walk up to a time of our clock and write down what has happened."""
        told = self.shadow.walk(local_ns)
        if self.shadow.started and self._journal is None:
            self._journal = ShadowJournal(self._around.journals, self._name)
            self._journal.begin(local_ns, self._around.session, self.shadow)
        if self._journal is not None:
            self._journal.tell(local_ns, told)

    def finish(self, local_ns: int) -> None:
        """Walk to the end, and write down what is still open."""
        self.walk(local_ns)
        if self._journal is not None:
            self._journal.tell(local_ns, self.shadow.still_open() + self.shadow.last_sample())

    def close(self, local_ns: int, reason: str) -> None:
        """Write why it is over and close the journal."""
        if self._journal is not None:
            self._journal.end(local_ns, reason)
            self._journal.close()


class Shadows:
    """All shadows of one session. See the module."""

    def __init__(self, around: Surroundings) -> None:
        """Begin without any."""
        self._around = around
        self._running: dict[Path, _Running] = {}
        self._seen: dict[Path, bytes] = {}  # contents of the files that were looked at, whatever came of them
        self._frames: deque[tuple[int, bytes]] = deque()
        self._asked = 0.0
        self._count = 0

    @property
    def versions(self) -> tuple[int, ...]:
        """Return the versions that run."""
        return tuple(sorted(each.version for each in self._running.values()))

    def take(self, local_ns: int, payload: bytes) -> None:
        """Put a frame aside."""
        if self._running:
            self._frames.append((local_ns, payload))

    async def run(self) -> None:
        """Go on for ever; a fault here never ends the process."""
        while True:
            await asyncio.sleep(_TURN_SECONDS)
            try:
                await self._look()
                await self._turn(time.time_ns() - BEHIND_NS)
            except Exception as error:
                log.exception("shadows stand still", error=repr(error))
                await asyncio.sleep(_ASK_AGAIN_SECONDS)

    async def end(self, reason: str) -> None:
        """Walk every shadow to the present and close its journal."""
        await self._turn(time.time_ns())
        for path in list(self._running):
            await self._leave(path, reason)

    async def _turn(self, until_ns: int) -> None:
        """Give the shadows what has come, and walk them up to a time of our clock."""
        while self._frames:
            frame = self._frames.popleft()
            for path, each in list(self._running.items()):
                await self._attempt(path, partial(each.shadow.frame, *frame))
            await asyncio.sleep(0)  # the champion's news comes before the next frame
        for path, each in list(self._running.items()):
            await self._attempt(path, partial(each.walk, until_ns))
            await asyncio.sleep(0)
        self._ask()

    def _ask(self) -> None:
        """Ask for a snapshot while a shadow knows no book."""
        wanting = any(each.shadow.market.needs_snapshot for each in self._running.values())
        if wanting and time.monotonic() - self._asked > _ASK_AGAIN_SECONDS:
            self._asked = time.monotonic()
            self._around.resnapshot()

    async def _attempt(self, path: Path, step: Callable[[], None]) -> None:
        """Take a step with one shadow; one that raises is dropped."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 (whatever it is, champion and other shadows go on)
            dropped = self._running.pop(path)
            log.error("shadow dropped", version=dropped.version, error=repr(error))  # noqa: TRY400 (one line)
            await self._close(dropped, f"dropped: {error!r}")

    async def _look(self) -> None:
        """Begin with files that came, end with those that went."""
        found = {path: data for path in shadow_files(self._around.live) if (data := _content(path)) is not None}
        for path in [path for path, data in self._seen.items() if found.get(path) != data]:
            del self._seen[path]
            await self._leave(path, "no longer wanted")
        for path, data in found.items():
            if path not in self._seen:
                self._seen[path] = data
                await self._begin(path, data)

    async def _begin(self, path: Path, data: bytes) -> None:
        try:
            document = checked_document(data, path, self._around.instrument)
            assumptions = read_assumptions(self._around.live)
            await _compiled(path, document, assumptions)
        except MicrovolError as error:
            log.warning("shadow refused", file=path.name, reason=str(error))
            return
        self._count += 1
        name = f"{self._around.session}-v{document.version}-{self._count}"
        shadow = Shadow(document, assumptions, self._around.holdings())
        self._running[path] = _Running(shadow, self._around, name)
        log.info("in the shadow", version=document.version, content_hash=document.content_hash[:12])

    async def _leave(self, path: Path, reason: str) -> None:
        leaving = self._running.get(path)
        if leaving is None:
            return
        await self._attempt(path, partial(leaving.finish, time.time_ns()))
        if self._running.pop(path, None) is not None:
            log.info("out of the shadow", version=leaving.version, reason=reason)
            await self._close(leaving, reason)

    async def _close(self, gone: _Running, reason: str) -> None:
        try:
            await asyncio.to_thread(gone.close, time.time_ns(), reason)
        except (MicrovolError, OSError) as error:
            log.warning("journal of a shadow not closed", version=gone.version, error=str(error))


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # it went just now
        return None


async def _compiled(path: Path, document: ParameterDocument, assumptions: Assumptions) -> None:
    """Have the code on disk, compiled by another process so that this one stays quick, and load it in a thread."""
    if not numba.config.DISABLE_JIT and not has_code(LOOP, policy_names(document.parameters)):
        command = (sys.executable, "-m", "strategy.live.simulation.compile", str(path))
        process = await asyncio.create_subprocess_exec(*command, cwd=_ROOT)
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
        if code != 0:
            raise Failed(f"version {document.version} could not be compiled")
    await asyncio.to_thread(compile_shadow, document, assumptions)
