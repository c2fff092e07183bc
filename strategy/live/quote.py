"""The live process: quote one symbol on one venue with the parameters of a file, until it is told to stop.

`python -m strategy.live.quote --home DIR --venue NAME --symbol S` waits for `params.json` in the live folder, takes a
new one between two events, and says in `status.json` which version it runs. SIGTERM, a lost supervisor or any fault
that it does not understand: halt, cancel all, wait until the venue confirms, end. A file `halt` in the live folder
pauses it until the file is removed; the kill switch (`kill.json`, SIGUSR1) keeps it out until a person re-arms it.
Every `--also JSON` names a further market by the fields of a VenueConfig, quoted with the same limits in the same loop.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import ExitStack

from pydantic import ValidationError

from strategy.errors import BadInput
from strategy.live.command import (
    leave,
    markets,
    refuse_shared_assets,
    run_process,
    stop_event,
    take_also,
    venue_parser,
    warn_of_proxies,
    watch_parent,
)
from strategy.live.guard import Limits
from strategy.live.layout import Layout
from strategy.live.quoter import Quoter
from strategy.live.rehearsals import Rehearsals
from strategy.live.segment import lock_folder
from strategy.policies.parameters import one_line
from strategy.venues.ending import end_tasks


def arguments() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = venue_parser("strategy.live.quote", "Quote with the parameters of the live folder's params.json.")
    take_also(parser)
    for name, field in Limits.model_fields.items():
        kind = int if field.annotation is int else float
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=field.default, help=field.description)
    parser.add_argument("--stale-after-seconds", type=float, default=5.0, help="cancel all without a book for so long")
    parser.add_argument("--rehearse-ms", type=_pause, default=0, help="between rehearsals of an order; 0 = none")
    parser.add_argument("--warm-up-seconds", type=float, default=900.0, help="refuse a version that takes longer")
    parser.add_argument(
        "--metrics-port", type=int, default=0, help="of the Prometheus endpoint, or the next one free; 0 = none"
    )
    parser.add_argument("--metrics-host", default="127.0.0.1", help="address that the endpoint listens on")
    parser.add_argument("--allow-foreign", action="store_true", help="quote although others have open orders here")
    return parser


def _pause(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"was {text!r}, it must be a whole number of milliseconds")
    return int(text)


async def quote(options: argparse.Namespace) -> int:
    """Quote as the options say and return the exit code."""
    venues, layout = markets(options), Layout(options.home)
    if not options.allow_foreign:
        refuse_shared_assets(venues)
    try:
        limits = Limits(**{name: getattr(options, name) for name in Limits.model_fields})
    except ValidationError as error:
        raise BadInput(f"limits: {one_line(error)}") from None
    warn_of_proxies()
    stop = stop_event()
    watcher = asyncio.create_task(watch_parent(options.parent, stop), name="parent")
    rehearsals = Rehearsals(options.rehearse_ms / 1e3)
    rehearsing = asyncio.create_task(rehearsals.run(), name="rehearsals")
    with ExitStack() as locks:
        for venue in venues:
            folder = layout.live(venue.name, venue.symbol)
            folder.mkdir(parents=True, exist_ok=True)
            locks.callback(os.close, lock_folder(folder))
        code = await _side_by_side([Quoter(venue, layout, options, limits, rehearsals) for venue in venues], stop)
    await end_tasks([rehearsing])
    watcher.cancel()
    return code


async def _side_by_side(quoters: Sequence[Quoter], stop: asyncio.Event) -> int:
    """Quote until `stop`, or until one of them ends: then all do. Return the worst exit code, or raise what was."""

    def signalled() -> None:
        for each in quoters:
            each.signalled()

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, signalled)
    tasks = [asyncio.create_task(each.run(stop)) for each in quoters]
    for task in tasks:
        task.add_done_callback(lambda _: stop.set())
    await asyncio.wait(tasks)
    return max([task.result() for task in tasks])


def main() -> int:
    """Run the process."""
    options = arguments().parse_args()
    return run_process(lambda: quote(options))


if __name__ == "__main__":
    leave(main())
