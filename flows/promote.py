"""Flows: move the champion alias forward or back; both return only when the quoting process runs the version."""

from typing import Any

from prefect import flow

from flows import promotion
from flows.forms import Reason, Symbol, Venue, Version, Who
from flows.runner import step
from flows.settings import load_settings

move = step(promotion.move)


@flow
def promote(
    reason: Reason,
    version: Version | None = None,
    venue: Venue | None = None,
    symbol: Symbol | None = None,
    override: Reason | None = None,
    who: Who | None = None,
) -> dict[str, Any]:
    """Make a version the champion, on trial first where `[canary]` says so.

    Args:
        reason: Why; kept in the audit.
        version: Default the challenger.
        venue: Default from the settings.
        symbol: BASE/QUOTE; default from the settings.
        override: Why gates that were not passed may be passed over; kept in the audit.
        who: Your name, for the audit; else the user of the worker.
    """
    settings = load_settings(venue=venue, symbol=symbol)
    return move("promote", settings, version, reason, who, override)


@flow
def rollback(
    reason: Reason,
    version: Version | None = None,
    venue: Venue | None = None,
    symbol: Symbol | None = None,
    who: Who | None = None,
) -> dict[str, Any]:
    """Make the version before the champion again; no gate is asked, and a trial ends.

    Args:
        reason: Why; kept in the audit.
        version: Default the champion before this one.
        venue: Default from the settings.
        symbol: BASE/QUOTE; default from the settings.
        who: Your name, for the audit; else the user of the worker.
    """
    settings = load_settings(venue=venue, symbol=symbol)
    return move("rollback", settings, version, reason, who)
