"""The processes of the measurement: venue and client on a core each, where there are two."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from strategy.live.layout import Layout
from strategy.policies.document import ParameterDocument, write_atomically
from strategy.venues.settings import VenueConfig
from tests.integration.rig import ROOT, close_quotes
from tests.unit.fake_broker import INSTRUMENT

PIPED: Final = {"stdout": subprocess.PIPE}
CORES: Final = sorted(os.sched_getaffinity(0))
VENUE_CORE, CLIENT_CORE = CORES[0], CORES[-1]


@contextmanager
def process(core: int, *arguments: str, **given: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a python module on one core for as long as the block lasts; it ends by SIGTERM."""

    def settle() -> None:
        os.sched_setaffinity(0, {core})

    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, cwd=ROOT, text=True, preexec_fn=settle, **given) as running:
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(60)


@contextmanager
def quoting(
    home: Path,
    venue: VenueConfig,
    *options: str,
    environment: Mapping[str, str] = os.environ,
    module: str = "strategy.live.quote",
) -> Iterator[subprocess.Popen[str]]:
    """Run the quoting process."""
    with (home / "quote.err").open("wb") as err:
        environment = {**environment, **venue.environment()}
        arguments = (module, "--home", str(home), *venue.arguments(), *options)
        with process(CLIENT_CORE, *arguments, env=environment, stderr=err) as running:
            yield running


def put_parameters(home: Path, venue: VenueConfig, groups: dict[str, Any], **quoting: Any) -> ParameterDocument:
    """Write the parameters of one symbol and return them."""
    instrument = INSTRUMENT.model_copy(update={"symbol": venue.symbol})
    file = Layout(home).parameter_file(venue.name, venue.symbol)
    file.parent.mkdir(parents=True)
    document = close_quotes(instrument, groups=groups, **quoting)
    write_atomically(file, document.to_json())
    return document
