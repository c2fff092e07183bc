"""The doctor's questions to the venue, over the broker that would quote: asked once, judged one by one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from flows import rooms
from flows.settings import TESTNET, Settings
from strategy.errors import Failed, MicrovolError
from strategy.policies.document import Instrument, ParameterDocument
from strategy.venues.account_questions import Fees, KeyRights
from strategy.venues.ports import Balance

Answer = TypeVar("Answer")


class Notice(Exception):
    """Something to know that does not forbid quoting."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the venue said to each question, or the error in its place."""

    instrument: Instrument | MicrovolError
    balance: Balance | MicrovolError
    open_orders: int | MicrovolError
    rights: KeyRights | MicrovolError
    fees: Fees | MicrovolError
    mid: float | MicrovolError  # quote units


class VenueChecks:
    """The checks that need the venue; each returns what it saw or raises what is wrong."""

    def __init__(self, settings: Settings) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._base, self._quote = settings.symbol.partition(":")[0].split("/")

    @cached_property
    def _answers(self) -> Answers:
        return asyncio.run(_ask(self._settings))

    def filters(self) -> str:
        """Check that the symbol is listed and say its filters."""
        found = _of(self._answers.instrument)
        sizes = {"tick": found.tick_size, "lot": found.lot_size}
        least = {"min quantity": found.min_qty, "min notional": found.min_notional}
        return ", ".join(f"{name} {Decimal(value).normalize():f}" for name, value in (sizes | least).items())

    def key(self) -> str:
        """Check that the key may trade and may not take anything out."""
        if self._settings.venue_table(self._settings.venue).rest_url == TESTNET.rest_url:
            raise Notice("the test network does not say what a key may do")
        rights = _of(self._answers.rights)
        if rights.withdraws:
            raise Failed("the key may withdraw: quote with one that may not")
        if not (rights.reads and rights.trades):
            raise Failed(f"the key may not {'trade' if rights.reads else 'read'}")
        moved = ", may move money between accounts of its owner" if rights.transfers else ""
        bound = "bound to addresses" if rights.bound_to_address else "works from any address"
        return f"may trade, may not withdraw{moved}; {bound}"

    def fees(self) -> str:
        """Check that the venue charges no more than replays and gates assumed."""
        found, assumed = _of(self._answers.fees), self._settings.costs
        charged = {"maker": found.maker_bps, "taker": found.taker_bps}
        believed = {"maker": assumed.maker_fee_bps, "taker": assumed.taker_fee_bps}
        over = [name for name, bps in charged.items() if float(bps) > believed[name]]
        text = ", ".join(f"{name} {bps.normalize():f} bps" for name, bps in charged.items())
        if over:
            name = over[0]
            raise Failed(f"{text}, but costs.{name}_fee_bps assumes {believed[name]:g}: calibrate with what is charged")
        return f"{text}, as assumed"

    def balances(self, document: ParameterDocument | None) -> str:
        """Check that the keys are accepted, and that what is held pays for orders over the least notional."""
        sizes, held, resting = _of(self._answers.instrument), _of(self._answers.balance), _of(self._answers.open_orders)
        lot, tick, mid = float(sizes.lot_size), float(sizes.tick_size), _of(self._answers.mid)
        base, cash, least = held.base_lots * lot, held.quote_atoms * tick * lot, float(sizes.min_notional)
        text = f"{base:.8g} {self._base}, {cash:.8g} {self._quote}, {resting} open orders"
        if max(base * mid, cash) < least:
            raise Failed(f"{text}: neither side is worth the least notional {least:g}")
        if document is not None and document.parameters.quoting.order_qty * mid < least:
            worth = document.parameters.quoting.order_qty * mid
            raise Failed(f"orders of version {document.version} are worth {worth:.8g}, the least notional is {least:g}")
        missing = [side for side, worth in (("asks", base * mid), ("bids", cash)) if worth < least]
        if missing:
            raise Notice(f"{text}: not enough for {missing[0]}")
        return text


def _of(answer: Answer | MicrovolError) -> Answer:
    if isinstance(answer, MicrovolError):
        raise answer
    return answer


async def _ask(settings: Settings) -> Answers:
    from strategy.venues.account_questions import fees, key_rights
    from strategy.venues.ccxt_broker import CcxtBroker

    config = rooms.venue(settings, trading=True)
    broker = CcxtBroker(config)

    async def resting() -> int:
        return len(await broker.open_orders())

    asked: tuple[Callable[[], Awaitable[Any]], ...] = (
        broker.instrument,
        broker.balance,
        resting,
        lambda: key_rights(broker, config),
        lambda: fees(broker, config),
        broker.mid,
    )
    try:
        return Answers(*[await _answer(question) for question in asked])
    finally:
        await broker.close()


async def _answer(question: Callable[[], Awaitable[Answer]]) -> Answer | MicrovolError:
    try:
        return await question()
    except MicrovolError as error:
        return error
