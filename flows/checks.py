"""What the checks under sql/checks found: told to the log and to Prefect, shown as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flows import console, events, log
from flows.settings import Settings

if TYPE_CHECKING:
    from analytics.care.checked import Failure


def tell(settings: Settings, failing: "Sequence[Failure]") -> None:
    """Say every failure in the log and to whoever listens to events."""
    for failure in failing:
        log.say("check failed", **asdict(failure))
        events.tell(settings, "check.failed", f"lake.{failure.venue}.{failure.symbol}", asdict(failure))


def show(failing: Sequence[Mapping[str, Any]]) -> None:
    """Print a line for each failure, nothing where there is none."""
    if failing:
        console.table("checks that failed", tuple(failing[0]), [tuple(failure.values()) for failure in failing])
