"""The live process: quote one symbol on one venue with the parameters of a file, until it is told to stop.

`python -m strategy.live.quote --home DIR --venue NAME --symbol S` waits for `params.json` in the live folder, takes a
new one between two events, and says in `status.json` which version it runs. SIGTERM, a lost supervisor or any fault
that it does not understand: halt, cancel all, wait until the venue confirms, end. A file `halt` in the live folder
pauses it until the file is removed; the kill switch (`kill.json`, SIGUSR1) keeps it out until a person re-arms it.
"""

import argparse
import asyncio
import os
import sys

from pydantic import ValidationError

from strategy.errors import BadInput
from strategy.live.command import run_process, stop_event, venue_of, venue_parser, watch_parent
from strategy.live.guard import Limits
from strategy.live.layout import Layout
from strategy.live.quoter import Quoter
from strategy.live.segment import lock_folder
from strategy.policies.parameters import one_line


def arguments() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = venue_parser("strategy.live.quote", "Quote with the parameters of the live folder's params.json.")
    for name, field in Limits.model_fields.items():
        kind = int if field.annotation is int else float
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=field.default, help=field.description)
    parser.add_argument("--stale-after-seconds", type=float, default=5.0, help="cancel all without a book for so long")
    parser.add_argument("--warm-up-seconds", type=float, default=900.0, help="refuse a version that takes longer")
    parser.add_argument("--metrics-port", type=int, default=0, help="of the Prometheus endpoint; 0 = none")
    parser.add_argument("--metrics-host", default="127.0.0.1", help="address that the endpoint listens on")
    parser.add_argument("--allow-foreign", action="store_true", help="quote although others have open orders here")
    return parser


async def quote(options: argparse.Namespace) -> int:
    """Quote as the options say and return the exit code."""
    venue, layout = venue_of(options), Layout(options.home)
    try:
        limits = Limits(**{name: getattr(options, name) for name in Limits.model_fields})
    except ValidationError as error:
        raise BadInput(f"limits: {one_line(error)}") from None
    folder = layout.live(venue.name, venue.symbol)
    folder.mkdir(parents=True, exist_ok=True)
    lock = lock_folder(folder)
    stop = stop_event()
    watcher = asyncio.create_task(watch_parent(options.parent, stop), name="parent")
    try:
        return await Quoter(venue, layout, options, limits).run(stop)
    finally:
        watcher.cancel()
        os.close(lock)


def main() -> int:
    """Run the process."""
    options = arguments().parse_args()
    return run_process(lambda: quote(options))


if __name__ == "__main__":
    sys.exit(main())
