"""Quoting processes that start in a moment: forked where everything is imported and the strategy is compiled."""

import faulthandler
import logging
import multiprocessing
import os
import signal
import sys
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from strategy.venues.settings import VenueConfig

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["strategy.live.quote", "tests.faults.compiled"])


@dataclass(frozen=True)
class Quoting:
    """One life of a forked quoting process."""

    process: ForkServerProcess

    @property
    def pid(self) -> int:
        """Return its process id."""
        assert self.process.pid is not None
        return self.process.pid

    @property
    def code(self) -> int | None:
        """Return its exit code, None while it runs."""
        return self.process.exitcode

    def signal(self, number: int) -> None:
        """Signal it, if it runs."""
        if self.process.is_alive():
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it by force and wait for that."""
        self.signal(signal.SIGKILL)
        self.process.join(30)


def start_quoting(home: Path, venue: VenueConfig, *options: str, debug: bool = False) -> Quoting:
    """Start the quoting process with a command line as it would have, its standard error in the home's `quote.err`.

    With `debug` every library says all that it has to say, in `quote.debug.err`, and a signal that kills leaves a dump.
    """
    arguments = ["quote", "--home", str(home), *venue.arguments(), *options]
    log = str(home / ("quote.debug.err" if debug else "quote.err"))
    process = FORKS.Process(target=_quote, args=(arguments, venue.environment(), log, debug), daemon=True)
    process.start()
    return Quoting(process)


def _quote(arguments: list[str], environment: dict[str, str], log: str, debug: bool) -> None:
    from strategy.live.quote import main

    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), 2)
    os.environ.update(environment)
    sys.argv = arguments
    if debug:
        os.environ["PYTHONASYNCIODEBUG"] = "1"
        faulthandler.enable(file=2, all_threads=True)
        logging.basicConfig(level=logging.DEBUG)
    sys.exit(main())
