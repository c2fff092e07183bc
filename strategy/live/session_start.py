"""What a live session starts from: its name and token, parameters, holdings and limits, and the compiled strategy."""

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from strategy.kernel.book import band_limit
from strategy.kernel.records import BUY, TIMER
from strategy.live.desk import LiveOrder
from strategy.live.guard import Limits
from strategy.live.sizing import quoted
from strategy.live.warm_up import LiveStepper
from strategy.policies.document import ParameterDocument
from strategy.policies.stepper import new_event
from strategy.venues.ports import Balance, OwnFill

_COMPILING: Final = threading.Lock()  # several symbols begin at once, and neither compiler nor imports like company


def nobody(client_id: str) -> LiveOrder | None:
    """Return no order: there was no earlier session."""
    return None


@dataclass(frozen=True, slots=True)
class SessionStart:
    """What a session starts from."""

    session: str
    token: str  # in every client id, so that no two sessions share one
    document: ParameterDocument
    balance: Balance
    last_trade_id: int
    limits: Limits
    stale_after_s: float
    missed: Sequence[tuple[LiveOrder, OwnFill]] = ()  # executions that the last session did not live to hear of
    earlier: Callable[[str], LiveOrder | None] = nobody  # an order of the last session, by client id


def new_stepper(document: ParameterDocument, balance: Balance) -> LiveStepper:
    """Return the strategy at its start; compiles when these policies have not been compiled before."""
    return LiveStepper(
        quoted(document), document.instrument, balance.base_lots, balance.quote_atoms, version=document.version
    )


def warm_stepper(document: ParameterDocument, balance: Balance) -> LiveStepper:
    """Return a stepper whose code is compiled; in a thread, so that the heartbeat goes on meanwhile."""
    with _COMPILING:
        new_stepper(document, balance).feed(new_event(TIMER, local_ts=1))
        band_limit(1.0, 1.0, BUY)
        return new_stepper(document, balance)


def client_token(started_ns: int) -> str:
    """Return eight characters for this session's client ids: its start in tenths of a second, and chance."""
    digits, value, token = "0123456789abcdefghijklmnopqrstuvwxyz", started_ns // 100_000_000, ""
    while value:
        value, rest = divmod(value, 36)
        token = digits[rest] + token
    return token[-6:] + secrets.token_hex(1)
