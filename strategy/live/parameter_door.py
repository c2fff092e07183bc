"""Where parameters come in: the first version to begin with, every later one while quoting goes on."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from strategy.errors import BadParameters
from strategy.live.doors import Refused
from strategy.live.parameter_file import ParameterFile, checked_document, refusal
from strategy.live.session import Session
from strategy.live.session_start import warm_stepper
from strategy.live.status_board import StatusBoard
from strategy.policies.document import Instrument, ParameterDocument
from strategy.venues.ports import Balance

log = structlog.get_logger("quote")

_LOOK_SECONDS: Final = 0.2
_SAY_AGAIN_SECONDS: Final = 10.0


class ParameterDoor:
    """Look at the parameter file several times a second; what may not be used is refused for everyone to see."""

    def __init__(self, file: ParameterFile, board: StatusBoard, stopping: Callable[[], bool]) -> None:
        """Watch a file; refusals and what is waited for go to the board."""
        self._file, self._board, self._stopping = file, board, stopping

    async def first(self, instrument: Instrument) -> ParameterDocument | None:
        """Wait for a file that may be used, saying what is missing; None when stopped meanwhile."""
        said = 0.0
        while not self._stopping():
            data = self._file.news()
            if data is not None:
                document = self._checked(data, instrument)
                if document is not None:
                    return document
            elif time.monotonic() - said > _SAY_AGAIN_SECONDS:
                said = time.monotonic()
                self._board.note = f"waiting for {self._file.path}"
                log.info("waiting for parameters", path=str(self._file.path))
            await asyncio.sleep(_LOOK_SECONDS)
        return None

    async def follow(self, session: Session, instrument: Instrument) -> None:
        """Bring new parameters to a session for ever; those of other policies may have to be compiled first."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            data = self._file.news()
            document = None if data is None else self._checked(data, instrument)
            if document is not None and document != session.document:
                await asyncio.to_thread(warm_stepper, document, Balance(0.0, 0.0))
                if not self._stopping():
                    session.on_parameters(document)
            if data is not None:
                self._board.write()

    def give_up(self, session: Session, longest_s: float) -> None:
        """Refuse a version that has not got to know volatility in time."""
        late = session.give_up_warm_up(longest_s)
        if late is not None:
            reason = f"volatility was not known within {longest_s:g} s"
            log.warning("parameters refused", version=late.version, reason=reason)
            self._board.refuse(Refused(content_hash=late.content_hash, reason=reason), reason)

    def _checked(self, data: bytes, instrument: Instrument) -> ParameterDocument | None:
        """Return the document, or refuse it for everyone to see and go on as before."""
        try:
            document = checked_document(data, self._file.path, instrument)
        except BadParameters as error:
            log.warning("parameters refused", reason=str(error))
            self._board.refuse(refusal(data, str(error)), str(error))
            return None
        self._board.refused, self._board.note = None, ""
        return document
