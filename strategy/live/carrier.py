"""What carries the versions that should run to where a quoting process reads them: the champion, and its shadows."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from strategy.errors import BadParameters
from strategy.live.layout import Layout
from strategy.live.simulation.shadow_files import want_shadows
from strategy.policies.document import ParameterDocument, read_document, write_atomically
from strategy.venues.settings import VenueConfig

log = structlog.get_logger("supervisor")

Champion = Callable[[], ParameterDocument | None]
Challengers = Callable[[], Sequence[ParameterDocument]]

_LOOK_SECONDS: Final = 1.0


class Carrier:
    """Keep the parameter files of one market as they should be."""

    def __init__(
        self, layout: Layout, venue: VenueConfig, champion: Champion, challengers: Challengers = tuple
    ) -> None:
        """Prepare. `champion` says which parameters should be live, `challengers` which in its shadow.

        Both may fail, the last answer then stands.
        """
        self._path = layout.parameter_file(venue.name, venue.symbol)
        self._market = f"{venue.name}:{venue.symbol}"
        self._champion, self._challengers = champion, challengers

    def start(self, stop: threading.Event) -> None:
        """Carry until `stop`, in a thread: a registry that hangs must not stop anything else."""
        threading.Thread(target=self._run, args=(stop,), name=f"champion {self._market}", daemon=True).start()

    def _run(self, stop: threading.Event) -> None:
        away_since: float | None = None
        while not stop.is_set():
            try:
                self._carry()
            except Exception as error:  # noqa: BLE001 (whatever an outage raises: the last answer stands)
                if away_since is None:
                    away_since = time.monotonic()
                    log.warning("champion unknown", market=self._market, error=str(error))
            else:
                if away_since is not None:
                    away_s = round(time.monotonic() - away_since, 1)
                    log.info("champion known again", market=self._market, away_s=away_s)
                    away_since = None
            stop.wait(_LOOK_SECONDS)

    def _carry(self) -> None:
        document = self._champion()
        if document is not None and document.to_json() != _content(self._path):
            write_atomically(self._path, document.to_json())
            about = {"market": self._market, "content_hash": document.content_hash[:12]}
            log.info("parameters written", version=document.version, **about)
        for version in want_shadows(self._path.parent, self._challengers()):
            log.info("shadow wanted", market=self._market, version=version)


def file_champion(path: Path) -> Champion:
    """Return a champion that is read from a parameter file which a person keeps."""

    def champion() -> ParameterDocument | None:
        try:
            return read_document(path)
        except BadParameters as error:
            log.warning("champion file refused", error=str(error))
            return None

    return champion


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
