from decimal import Decimal
from typing import Any

import pytest

from flows.rooms import venue
from flows.settings import Settings
from strategy.errors import BadInput, OutcomeUnknown
from strategy.venues.account_questions import fees, key_rights, refuse_unfit_margin
from strategy.venues.endpoints import (
    FUTURES,
    KEY_RESTRICTIONS,
    POSITION_MODE,
    SPOT,
    SYMBOL_CONFIGURATION,
    Endpoint,
)
from strategy.venues.settings import paper_venue

SPOT_VENUE = paper_venue("http://127.0.0.1:1", "BTC/FDUSD")
FUTURES_VENUE = paper_venue("http://127.0.0.1:1", "BTC/USDT:USDT")
RIGHTS = {
    "ipRestrict": True,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "permitsUniversalTransfer": True,
    "enableSpotAndMarginTrading": True,
    "enableFutures": False,
}
NONE = {"maker": "0.00000000", "taker": "0.00000000"}


class Told:
    """A venue with one reply to each question."""

    def __init__(self, replies: dict[Endpoint, Any]) -> None:
        self._replies = replies

    async def ask(self, endpoint: Endpoint, what: str, query: dict[str, Any]) -> Any:
        return self._replies[endpoint]


async def test_rights_are_those_of_the_kind_of_market() -> None:
    asker = Told({KEY_RESTRICTIONS: RIGHTS})
    spot, futures = await key_rights(asker, SPOT_VENUE), await key_rights(asker, FUTURES_VENUE)
    assert (spot.trades, futures.trades) == (True, False)
    assert (spot.withdraws, spot.transfers, spot.bound_to_address) == (False, True, True)


@pytest.mark.parametrize("reply", ["<html>", None, [], RIGHTS | {"enableWithdrawals": "false"}, {"ipRestrict": True}])
async def test_rights_that_are_not_told_are_not_assumed(reply: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        await key_rights(Told({KEY_RESTRICTIONS: reply}), SPOT_VENUE)


async def test_what_is_added_to_the_commission_counts() -> None:
    reply = {"standardCommission": {"maker": "0.00100000", "taker": "0.00200000"}, "specialCommission": NONE}
    reply["taxCommission"] = {"maker": "0.00005000", "taker": "0.00000000"}
    found = await fees(Told({SPOT.commission: reply}), SPOT_VENUE)
    assert (found.maker_bps, found.taker_bps) == (Decimal("10.5"), 20)
    rebate = {"makerCommissionRate": "-0.00010000", "takerCommissionRate": "0.00040000"}
    found = await fees(Told({FUTURES.commission: rebate}), FUTURES_VENUE)
    assert (found.maker_bps, found.taker_bps) == (-1, 4)


@pytest.mark.parametrize(
    ("margin", "leverage", "refused"),
    [("CROSSED", 20, False), ("ISOLATED", 1, False), ("ISOLATED", 5, True)],
)
async def test_only_a_margin_that_could_be_liquidated_with_cash_at_hand_is_refused(margin, leverage, refused) -> None:
    row = {"symbol": "BTCUSDT", "marginType": margin, "leverage": leverage}
    other = row | {"symbol": "ETHUSDT", "marginType": "ISOLATED", "leverage": 99}
    asker = Told({POSITION_MODE: {"dualSidePosition": False}, SYMBOL_CONFIGURATION: [other, row]})
    if not refused:
        await refuse_unfit_margin(asker, FUTURES_VENUE)
        return
    with pytest.raises(BadInput, match="margin of BTC/USDT:USDT is ISOLATED at leverage 5: set it to CROSSED"):
        await refuse_unfit_margin(asker, FUTURES_VENUE)


@pytest.mark.parametrize("name", ["testnet", "live", "binance"])
def test_a_perpetual_is_not_looked_for_at_a_spot_address(name: str) -> None:
    settings = Settings.model_validate({"venue": name, "symbol": "BTC/USDT:USDT"})
    with pytest.raises(BadInput, match=r"BTC/USDT:USDT is a perpetual and https://\S+ is spot"):
        venue(settings, trading=False)
