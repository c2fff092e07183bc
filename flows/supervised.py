"""A supervisor inside a flow: it runs here until a signal, a time, or its own end, and one of a kind runs at a time."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

from flows import processes
from flows.settings import Settings
from strategy.errors import Failed
from strategy.live.layout import slug
from strategy.live.log import configure_logging
from strategy.live.supervisor import Supervisor


def supervise(settings: Settings, what: str, supervisor: Supervisor, seconds: float | None) -> None:
    """Run a supervisor until SIGTERM, Ctrl-C or for so many seconds; raises Failed when it did not end in order."""
    configure_logging()
    with (
        holding(settings, what),
        ended_by_signals(supervisor.stop),
        _after(seconds, supervisor.stop),
    ):
        code = supervisor.run()
    if code != 0:
        raise Failed(f"{what} of {settings.symbol} on {settings.venue} did not end in order; its log above says why")


def holding(settings: Settings, what: str) -> AbstractContextManager[None]:
    """Be the one process that does this with a market; a second one fails and names the first."""
    name = f"{what}-{settings.venue}-{slug(settings.symbol)}"
    return processes.held(settings.home, name, f"{what} of {settings.symbol} on {settings.venue}", _deployed_run())


def _deployed_run() -> str:
    """Return the id of the deployment's run that this process is; nothing when a person started it."""
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    run = None if context is None else context.flow_run
    return "" if run is None or run.deployment_id is None else str(run.id)


@contextmanager
def ended_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM and SIGINT mean `stop` while the block runs, instead of an exception at any point."""

    def handler(number: int, frame: FrameType | None) -> None:
        stop()

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextmanager
def _after(seconds: float | None, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` after so many seconds, if any are given."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
