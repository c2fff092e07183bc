"""What the command lines of the live processes share."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

import structlog
from pydantic import SecretStr, ValidationError

from strategy.errors import BadInput, MicrovolError
from strategy.live.log import configure_logging
from strategy.policies.parameters import one_line
from strategy.venues.settings import KEY_VARIABLE, SECRET_VARIABLE, VenueConfig, venue_config

log = structlog.get_logger("process")

ALSO: Final = "--also"
PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def venue_parser(module: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every live process takes."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--home", type=Path, required=True, help="folder of segments, journals and status files")
    parser.add_argument("--venue", required=True, help="name of the venue, as in file names and tables")
    parser.add_argument("--symbol", required=True, help="BASE/QUOTE")
    parser.add_argument("--rest-url", help="http://HOST:PORT; given together with the two below")
    parser.add_argument("--stream-url", help="ws://HOST:PORT/stream")
    parser.add_argument("--ws-api-url", help="ws://HOST:PORT/ws-api/v3")
    parser.add_argument("--parent", type=int, help="stop when the process with this pid is no longer our parent")
    return parser


def venue_of(arguments: argparse.Namespace) -> VenueConfig:
    """Return the venue that the options and the environment name."""
    return venue_config(
        {
            "name": arguments.venue,
            "symbol": arguments.symbol,
            "rest_url": arguments.rest_url,
            "stream_url": arguments.stream_url,
            "ws_api_url": arguments.ws_api_url,
        }
    )


def take_also(parser: argparse.ArgumentParser) -> None:
    """Let a process take further markets."""
    parser.add_argument(ALSO, action="append", default=[], metavar="JSON", help="a further market; repeatable")


def also(venue: VenueConfig) -> list[str]:
    """Return the options that name a further market to a live process; no secret is among them."""
    return [ALSO, venue.model_dump_json(exclude={"api_key", "secret"}, exclude_none=True)]


def keys(venues: Sequence[VenueConfig]) -> dict[str, str]:
    """Return the variables that hand the keys of these markets to a child process, numbered from the second on."""
    found = dict(venues[0].environment())
    for number, venue in enumerate(venues[1:], 2):
        found |= {f"{name}_{number}": key for name, key in venue.environment().items()}
    return found


def markets(options: argparse.Namespace) -> list[VenueConfig]:
    """Return every market that the options name; BadInput when one is malformed or named twice.

    Those of the first one's venue are of the same account when the environment does not say otherwise.
    """
    found = [venue_of(options)]
    for number, text in enumerate(options.also, 2):
        try:
            venue = VenueConfig.model_validate_json(text)
        except ValidationError as error:
            raise BadInput(f"{ALSO} {text}: {one_line(error)}") from None
        found.append(venue.model_copy(update=_keys(number) or _same_keys(found[0], venue)))
    names = [(venue.name, venue.symbol) for venue in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"{' '.join(twice)} is named twice")
    return found


def _keys(number: int) -> dict[str, SecretStr]:
    """Return the keys of the market with this number in the order of options; none when the environment has none."""
    names = {"api_key": f"{KEY_VARIABLE}_{number}", "secret": f"{SECRET_VARIABLE}_{number}"}
    return {field: SecretStr(os.environ[name]) for field, name in names.items() if name in os.environ}


def _same_keys(first: VenueConfig, venue: VenueConfig) -> dict[str, SecretStr]:
    return {"api_key": first.api_key, "secret": first.secret} if venue.name == first.name else {}


def refuse_shared_assets(venues: Sequence[VenueConfig]) -> None:
    """Raise BadInput when two markets trade the same asset of one account.

    What one spends of it the other would miss, and the books of neither could be held against the venue's.
    """
    held: dict[tuple[str | None, str, str], VenueConfig] = {}
    for venue in venues:
        for asset in () if venue.is_simulated else venue.assets:
            place = (venue.rest_url or venue.name, venue.api_key.get_secret_value(), asset)
            other = held.setdefault(place, venue)
            if other is not venue:
                shared = f"{other.symbol} and {venue.symbol} share the {asset} of one account on {venue.name}"
                raise BadInput(f"{shared}: quote them on accounts of their own, or pass --allow-foreign")


def run_process(main: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run a process's main coroutine; an error of ours becomes one line on stderr and its exit code."""
    configure_logging()
    try:
        return asyncio.run(main())
    except MicrovolError as error:
        sys.stderr.write(f"microvol: {error}\n")
        return error.exit_code


def leave(code: int) -> NoReturn:
    """End the process at once with this code; everything is closed by now.

    Taking compiled code apart takes the interpreter seconds, and without a heartbeat that looks like a hung process.
    """
    sys.stdout.flush()
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def stop_event() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def warn_of_proxies() -> None:
    """Say of every proxy that the environment names that nothing goes through it; its address may hold a password."""
    for name in PROXIES:
        if os.environ.get(name) or os.environ.get(name.lower()):
            log.warning("proxy ignored, the venue is connected to directly", variable=name)


async def watch_parent(parent: int | None, stop: asyncio.Event, period_s: float = 0.5) -> None:
    """Set `stop` once the parent is gone: nobody would notice any more if we hung."""
    while parent is not None:
        if os.getppid() != parent:
            log.warning("supervisor gone, stopping", supervisor=parent)
            stop.set()
            return
        await asyncio.sleep(period_s)
