"""`microvol status --watch`: the status as a table that keeps itself true, for as long as somebody watches.

What the processes write of themselves is read every second. Servers, lake and registry take longer to ask: a
process of its own does so, and its lines say how old they are.
"""

import multiprocessing
import signal
import time
from multiprocessing.connection import Connection
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from flows.settings import Settings
from flows.status import live_lines, slow_lines
from flows.status_quoting import Line

_LOOK_SECONDS: Final = 1.0
_ASK_SECONDS: Final = 5.0
_STYLES: Final = {
    **dict.fromkeys(("up", "quoting", "recording", "running", "armed", "level", "held"), "green"),
    **dict.fromkeys(("starting", "stopping", "halted", "behind", "warmup", "none"), "yellow"),
    **dict.fromkeys(("down", "killed", "stopped", "unknown"), "bold red"),
}


class Slow:
    """The lines that take long, asked for again and again in a process: it can be ended in the middle of a question."""

    def __init__(self, settings: Settings) -> None:
        """Begin to ask."""
        context = multiprocessing.get_context("spawn")
        self._answers, answering = context.Pipe(duplex=False)
        self._asker = context.Process(target=_ask, args=(settings, answering), daemon=True)
        self._asker.start()
        answering.close()
        self._lines: dict[str, list[Line]] = {}
        self._at = time.monotonic()

    def read(self) -> tuple[list[Line], float]:
        """Return the last answers, and how many seconds ago the newest of them came."""
        try:
            while self._answers.poll():
                name, lines = self._answers.recv()
                self._lines[name], self._at = lines, time.monotonic()
        except EOFError:
            self._lines = {"": [Line("servers, lake, versions", "unknown", "nobody asks any more: start anew")]}
        return [line for lines in self._lines.values() for line in lines], time.monotonic() - self._at

    def end(self) -> None:
        """Ask no more."""
        self._asker.kill()
        self._asker.join()


def _ask(settings: Settings, answers: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the watcher's business
    while True:
        for answer in slow_lines(settings):
            answers.send(answer)
        time.sleep(_ASK_SECONDS)


def watch(settings: Settings, console: Console) -> None:
    """Show the status until Ctrl-C."""
    slow = Slow(settings)
    try:
        with Live(_shown(settings, slow), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(_LOOK_SECONDS)
                live.update(_shown(settings, slow), refresh=True)
    except KeyboardInterrupt:
        return
    finally:
        slow.end()


def _shown(settings: Settings, slow: Slow) -> Group:
    lines, age_s = slow.read()
    title = f"{settings.symbol} on {settings.venue}, {time.strftime('%H:%M:%S')}"
    return Group(_table(title, live_lines(settings)), _table(f"servers, lake, versions: {age_s:.0f} s ago", lines))


def _table(title: str, lines: list[Line]) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold", expand=True)
    for name, ratio in (("what", 3), ("state", 1), ("detail", 8)):
        table.add_column(name, ratio=ratio, overflow="fold")
    for line in lines:
        table.add_row(line.what, Text(line.state, style=_STYLES.get(line.state, "")), Text(line.detail))
    return table
