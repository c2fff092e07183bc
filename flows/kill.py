"""Flows: throw the kill switch from a page, and arm it anew; both are the commands of the same names."""

from typing import Any

from prefect import flow

from flows import kill_switch, log
from flows.forms import Reason, Symbol, Venue, Who
from flows.settings import load_settings


@flow
def kill(reason: Reason, who: Who | None = None, venue: Venue | None = None, symbol: Symbol | None = None) -> Any:
    """Cancel every order and stay out of the market, over every restart, until it is re-armed.

    Args:
        reason: Why; kept in the audit.
        who: Your name, for the audit; else the user of the worker.
        venue: Default from the settings.
        symbol: BASE/QUOTE; default from the settings.
    """
    settings = load_settings(venue=venue, symbol=symbol)
    outcome = kill_switch.throw(settings, reason, who)
    log.say("kill", venue=settings.venue, symbol=settings.symbol, outcome=outcome)
    return {"outcome": outcome}


@flow
def rearm(reason: Reason, who: Who | None = None, venue: Venue | None = None, symbol: Symbol | None = None) -> Any:
    """Let a killed quoting process back into the market.

    Args:
        reason: Why it is safe again; kept in the audit.
        who: Your name, for the audit; else the user of the worker.
        venue: Default from the settings.
        symbol: BASE/QUOTE; default from the settings.
    """
    settings = load_settings(venue=venue, symbol=symbol)
    outcome = kill_switch.rearm(settings, reason, who)
    log.say("rearm", venue=settings.venue, symbol=settings.symbol, outcome=outcome)
    return {"outcome": outcome}
