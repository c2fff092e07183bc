"""The paper venue as a process of its own, and a way to make its faults happen."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import httpx

from flows.settings import Settings
from strategy.errors import BadInput, Failed
from strategy.venues.paper.faults.menu import menu, read_fault

WAIT_S = 120.0  # a restart answers once the venue is back


@dataclass(frozen=True, slots=True)
class Choice:
    """What a command line says beside the settings; None and nothing mean theirs."""

    port: int | None = None
    seed: int | None = None
    tape: tuple[Path, ...] = ()
    admin: bool = False


def command(settings: Settings, choice: Choice = Choice()) -> list[str]:
    """Return the command line of the paper venue that the settings describe."""
    paper = settings.paper
    given = {
        "--port": settings.ports.paper if choice.port is None else choice.port,
        "--symbol": settings.symbol,
        "--seed": paper.seed if choice.seed is None else choice.seed,
        "--start-price": paper.start_price,
        "--base": paper.base,
        "--quote": paper.quote,
        "--maker-fee-bps": paper.maker_fee_bps,
    }
    if choice.admin:
        given["--admin-port"] = settings.ports.paper_admin
    options = [part for name, value in given.items() for part in (name, str(value))]
    tape = ["--tape", *map(str, choice.tape)] if choice.tape else []
    return [sys.executable, "-m", "strategy.venues.paper", *options, *tape]


def serve(settings: Settings, choice: Choice) -> NoReturn:
    """Become the paper venue: signals then reach it and nothing else."""
    sys.stdout.flush()
    os.execv(sys.executable, command(settings, choice))


def faults() -> list[tuple[str, str, str]]:
    """Return every fault: its names, its fields with their defaults, and what it does."""
    return [(line.names, line.fields, line.does) for line in menu()]


def ask_fault(settings: Settings, what: str, fields: Sequence[str], port: int | None = None) -> int:
    """Make a fault happen at a running paper venue and return how many connections it ended."""
    query = {"what": what} | dict(_pair(field) for field in fields)
    read_fault(query)
    url = f"http://127.0.0.1:{settings.ports.paper_admin if port is None else port}"
    try:
        reply = httpx.post(f"{url}/admin/fault", params=query, timeout=WAIT_S)
    except httpx.TransportError as error:
        raise Failed(
            f"paper venue: no admin endpoint answers on {url}: {error}; is `microvol venue --admin` up?"
        ) from None
    if reply.status_code != httpx.codes.OK:
        raise Failed(f"paper venue: {url} answered {reply.status_code} {reply.text}")
    return int(reply.json()["ended"])


def _pair(field: str) -> tuple[str, str]:
    name, equals, value = field.partition("=")
    if not equals:
        raise BadInput(f"fault: {field!r} is not FIELD=VALUE")
    return name, value
