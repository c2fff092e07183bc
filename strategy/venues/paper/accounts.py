"""The account's two balances in 1e-8 units: free, and locked behind resting orders.

Commission is charged in the asset that is received, as the venue does without its own coin.
"""

from dataclasses import dataclass
from decimal import Decimal

from strategy.kernel.records import BUY
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.grid import Grid, money_units

BPS = Decimal(10_000)


@dataclass(slots=True)
class Holding:
    """One asset of the account."""

    asset: str
    free: int
    locked: int = 0

    @property
    def total(self) -> int:
        """Return free and locked together."""
        return self.free + self.locked

    def lock(self, units: int) -> None:
        """Set units aside for an order; the caller has checked that they are free."""
        self.free -= units
        self.locked += units

    def release(self, units: int) -> None:
        """Give units of an ended order back."""
        self.locked -= units
        self.free += units


class Account:
    """Holdings of one person and the fees that were kept from them."""

    def __init__(self, config: PaperConfig, grid: Grid) -> None:
        """Open the account with the configured balances."""
        self.base = Holding(config.base_asset, money_units(config.base))
        self.quote = Holding(config.quote_asset, money_units(config.quote))
        self.fees_base = 0
        self.fees_quote = 0
        self._maker, self._taker = config.maker_fee_bps, config.taker_fee_bps
        self._grid = grid

    def pays_with(self, side: int) -> Holding:
        """Return the holding that an order of a side spends."""
        return self.quote if side == BUY else self.base

    def cost(self, side: int, price: int, qty: int) -> int:
        """Return what an order spends when it fills at a price, in the units of `pays_with`."""
        return self._grid.quote_units(price, qty) if side == BUY else self._grid.base_units(qty)

    def settle(self, side: int, price: int, qty: int, maker: bool, locked: int) -> int:
        """Book one execution and return its commission in units of the received asset.

        `locked` is what the order had set aside for this quantity; a better price gives the difference back.
        """
        spent = self.cost(side, price, qty)
        received = self.cost(-side, price, qty)
        commission = int(received * (self._maker if maker else self._taker) / BPS)
        paying, receiving = self.pays_with(side), self.pays_with(-side)
        paying.locked -= locked
        paying.free += locked - spent
        receiving.free += received - commission
        if side == BUY:
            self.fees_base += commission
        else:
            self.fees_quote += commission
        return commission
