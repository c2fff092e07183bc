"""What has to be true before the first quote: nothing of ours rests, nobody else's does, and the account holds still.

A dead run's orders are cancelled. Executions that it did not live to hear of are read from where its journal is known
to be complete (they may have been told out of turn), so that journals and venue tell the same story. An order of its
that nobody answered may still be on its way: it is waited for until the venue would drop it.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

import structlog

from strategy.errors import Failed
from strategy.live.books import exact
from strategy.live.clearing import clear_orders, refuse_foreign
from strategy.live.desk import UNKNOWN_FINAL_NS, LiveOrder
from strategy.live.last_session import LastSession
from strategy.venues.ports import Balance, Broker, OwnFill

log = structlog.get_logger("opening")

_AGAIN_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Opening:
    """The account as a session finds it."""

    balance: Balance
    last_trade_id: int
    cleared: int  # orders of a dead run that were cancelled
    missed: tuple[tuple[LiveOrder, OwnFill], ...]  # what the last session did not live to hear of its orders
    others: tuple[OwnFill, ...]  # executions since then that no journal accounts for


async def open_account(broker: Broker, last: LastSession | None, allow_foreign: bool, deadline_s: float) -> Opening:
    """Clear what is ours and read the account until two readings agree.

    BadInput: others have orders on the symbol. Failed: at the deadline something still moved.
    """
    ends = time.monotonic() + deadline_s
    cleared, before = 0, None
    while True:
        cleared += await clear_orders(broker, deadline_s, _may_arrive_for_s(last))
        if not allow_foreign:
            await refuse_foreign(broker)
        found = await _read(broker, last)
        if found == before:
            return _opening(found, last, cleared)
        if before is not None and time.monotonic() >= ends:
            moved = f"holdings went from {before[0]} to {found[0]}, executions from {len(before[1])} to {len(found[1])}"
            raise Failed(f"the account does not hold still within {deadline_s:g} s: {moved}")
        before = found
        await asyncio.sleep(_AGAIN_SECONDS)


def _may_arrive_for_s(last: LastSession | None) -> float:
    """Return how many seconds a request of the last session may still take to reach the venue."""
    final_s = UNKNOWN_FINAL_NS / 1e9
    since_s = (time.time_ns() - (0 if last is None else last.newest_unanswered_ns)) / 1e9
    return min(max(final_s - since_s, 0.0), final_s)  # our clock may have been set meanwhile


async def _read(broker: Broker, last: LastSession | None) -> tuple[Balance, list[OwnFill]]:
    """Return holdings and the executions that the last journal lacks, or without a journal the newest ones."""
    if last is None or last.last_trade_id is None:
        fills = await broker.fills(-1)
    else:
        fills = [fill for fill in await broker.fills(last.complete_id) if fill.trade_id not in last.executed]
    return await broker.balance(), fills


def _opening(found: tuple[Balance, list[OwnFill]], last: LastSession | None, cleared: int) -> Opening:
    balance, fills = found
    known = 0 if last is None or last.last_trade_id is None else last.last_trade_id
    new = [] if last is None or last.last_trade_id is None else fills
    pairs = [(None if last is None else last.find(fill.client_id), fill) for fill in new]
    opening = Opening(
        balance,
        max([known, *(fill.trade_id for fill in fills)]),
        cleared,
        tuple((order, fill) for order, fill in pairs if order is not None),
        tuple(fill for order, fill in pairs if order is None),
    )
    _say(opening, last)
    return opening


def _say(opening: Opening, last: LastSession | None) -> None:
    """Log what was found, and what came or went while nothing ran."""
    if opening.cleared:
        log.warning("leftovers of an earlier run cancelled", orders=opening.cleared)
    for fill in opening.others:
        log.warning("an execution that no journal accounts for", trade_id=fill.trade_id, client_id=fill.client_id)
    if last is None or last.last_trade_id is None:
        return
    lots = [fill.side * fill.qty_lots - exact(fill.fee_base_lots) for _, fill in opening.missed]
    atoms = [-fill.side * fill.qty_lots * fill.price_ticks - exact(fill.fee_quote_atoms) for _, fill in opening.missed]
    base = exact(opening.balance.base_lots) - last.base_lots - sum(lots)
    quote = exact(opening.balance.quote_atoms) - last.quote_atoms - sum(atoms)
    missed = len(opening.missed)
    log.info(
        "after the last session", session=last.session, missed_executions=missed, base_lots=base, quote_atoms=quote
    )
