"""What a filled slot holds while barriers are set, and how a slot comes free (strategy.md 6)."""

from typing import Any

from strategy.kernel.jit import jit
from strategy.kernel.records import (
    COOLDOWN,
    IDLE,
    POSITION,
)
from strategy.kernel.state import ENTRIES


@jit
def add_holding(core: Any, held: Any, event: Any) -> None:
    """Add an entry's fill to what its slot holds."""
    if held["lots"] == 0:
        core["positions"] += 1
        held["opened_ns"] = event["local_ts"]
        held["extreme_ticks"] = float(event["price_ticks"])
        held["hit"] = 0
    held["lots"] += event["qty_lots"]
    held["atoms"] += float(event["price_ticks"]) * float(event["qty_lots"])


@jit
def take_off_holding(desk: Any, rules: Any, i: int, event: Any) -> None:
    """Take a closing order's fill off what its slot holds; the entry price stays, and the end starts the cooldown."""
    held = desk.held[i]
    if held["lots"] == 0:
        return
    left = max(held["lots"] - event["qty_lots"], 0)
    held["atoms"] *= float(left) / float(held["lots"])
    held["lots"] = left
    if left == 0:
        drop_holding(desk, i, event["local_ts"], rules.quoting[0]["cooldown_ns"])


@jit
def drop_holding(desk: Any, i: int, now: int, pause_ns: int) -> None:
    """Forget what a slot holds; when its entry is over, it waits (ns) and is free."""
    held = desk.held[i]
    held["lots"] = 0
    held["atoms"] = 0.0
    held["hit"] = 0
    desk.core[0]["positions"] -= 1
    if desk.slots[i]["state"] == POSITION:
        end_order(desk, i, now, pause_ns)


@jit
def end_order(desk: Any, i: int, now: int, pause_ns: int) -> None:
    """Free a slot whose order is gone, after a pause (ns); one that holds something waits for its barriers."""
    slot = desk.slots[i]
    slot["leaves_lots"] = 0
    slot["cooldown_until_ns"] = now + pause_ns
    if i < ENTRIES and desk.held[i]["lots"] > 0:
        slot["state"] = POSITION
    else:
        slot["state"] = COOLDOWN if pause_ns > 0 else IDLE
