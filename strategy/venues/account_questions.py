"""What an account has to be like before anything is quoted on it: what the key may do, fees, margin, position mode."""

from collections.abc import Awaitable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from strategy.errors import BadInput
from strategy.venues.endpoints import KEY_RESTRICTIONS, POSITION_MODE, SYMBOL_CONFIGURATION, Endpoint, endpoints
from strategy.venues.replies import read
from strategy.venues.settings import VenueConfig


class Asker(Protocol):
    """Whoever sends signed questions; `CcxtBroker` does."""

    def ask(self, endpoint: Endpoint, what: str, query: dict[str, Any]) -> Awaitable[Any]:
        """Return the reply to a question."""
        ...


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What a key may do."""

    reads: bool
    trades: bool
    withdraws: bool
    transfers: bool  # between accounts of one owner
    bound_to_address: bool  # works from listed addresses alone


@dataclass(frozen=True, slots=True)
class Fees:
    """Commission of the symbol in bps of notional, negative for a rebate."""

    maker_bps: Decimal
    taker_bps: Decimal


async def key_rights(asker: Asker, config: VenueConfig) -> KeyRights:
    """Ask what our key may do."""
    what = "rights of the key"
    reply = await asker.ask(KEY_RESTRICTIONS, what, {})
    trades = "enableFutures" if config.is_futures else "enableSpotAndMarginTrading"
    return read(
        lambda: KeyRights(
            reads=_truth(reply["enableReading"]),
            trades=_truth(reply[trades]),
            withdraws=_truth(reply["enableWithdrawals"]),
            transfers=_truth(reply["enableInternalTransfer"]) or _truth(reply["permitsUniversalTransfer"]),
            bound_to_address=_truth(reply["ipRestrict"]),
        ),
        what,
    )


async def fees(asker: Asker, config: VenueConfig) -> Fees:
    """Ask what the account pays for the symbol, everything that is added on spot (special, tax) included."""
    what = f"fees of {config.market_id}"
    reply = await asker.ask(endpoints(config).commission, what, {"symbol": config.market_id})
    return read(lambda: _futures_fees(reply) if config.is_futures else _spot_fees(reply), what)


async def refuse_unfit_margin(asker: Asker, config: VenueConfig) -> None:
    """Raise BadInput when a futures account nets no positions, or could be liquidated with its cash at hand.

    Bids are covered by the wallet as on spot, so with cross margin no position can eat it up before its price is next
    to nothing; a position with a margin of its own and leverage would be liquidated long before.
    """
    mode = await asker.ask(POSITION_MODE, "position mode", {})
    if read(lambda: _truth(mode["dualSidePosition"]), "position mode"):
        raise BadInput(f"{config.name} holds long and short positions apart (hedge mode): set it to one-way mode")
    what = f"margin of {config.market_id}"
    reply = await asker.ask(SYMBOL_CONFIGURATION, what, {"symbol": config.market_id})
    margin, leverage = read(lambda: _margin(reply, config.market_id), what)
    if margin != "CROSSED" and leverage > 1:
        raise BadInput(
            f"margin of {config.symbol} is {margin} at leverage {leverage}: set it to CROSSED, or leverage 1"
        )


def _truth(value: Any) -> bool:
    """Return a JSON truth; anything else is a reply that was not understood."""
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _margin(reply: Any, market_id: str) -> tuple[str, int]:
    (found,) = [row for row in reply if row["symbol"] == market_id]
    return str(found["marginType"]), int(found["leverage"])


def _futures_fees(reply: Any) -> Fees:
    return Fees(_bps(reply["makerCommissionRate"]), _bps(reply["takerCommissionRate"]))


def _spot_fees(reply: Any) -> Fees:
    kinds = ("standardCommission", "specialCommission", "taxCommission")
    made, taken = (sum((_bps(reply[kind][side]) for kind in kinds), Decimal(0)) for side in ("maker", "taker"))
    return Fees(made, taken)


def _bps(fraction: str) -> Decimal:
    return Decimal(fraction) * 10_000
