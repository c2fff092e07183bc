"""One account with positions: one net position (one-way), or a long and a short one (hedge).

Everything is exact integers: lots, and money in 1e-8 of the settlement asset. A position keeps what its open lots cost;
closing some of them realizes their share, and what integer division leaves over stays with the rest.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from strategy.kernel.records import BUY, SELL
from strategy.venues.paper.accounts import BPS, Holding, Settlement
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.futures.refusals import margin_is_insufficient, side_does_not_match
from strategy.venues.paper.grid import Grid, money_units
from strategy.venues.paper.orders import PositionSide, Ticket
from strategy.venues.paper.refusals import nothing_to_reduce

OPENS: dict[PositionSide, int] = {"LONG": BUY, "SHORT": SELL}
LEVERAGE = 20


@dataclass(slots=True)
class Position:
    """Signed lots, and what the open ones cost in signed quote units."""

    side: PositionSide
    lots: int = 0
    cost_units: int = 0
    updated_ns: int = 0

    def trade(self, side: int, qty: int, quote_units: int) -> int:
        """Add an execution, closing first, then opening; return the profit that it realized."""
        closed = min(qty, abs(self.lots)) if self.lots * side < 0 else 0
        realized = 0
        if closed:
            cost = self.cost_units * closed // abs(self.lots)
            proceeds = quote_units * closed // qty
            realized = -side * proceeds - cost
            self.cost_units -= cost
            self.lots += side * closed
            quote_units -= proceeds
        if qty > closed:
            self.lots += side * (qty - closed)
            self.cost_units += side * quote_units
        return realized


class FuturesAccount:
    """The wallet, the positions, and the margin behind them and behind resting orders."""

    def __init__(self, config: PaperConfig, grid: Grid, mark: Callable[[], int]) -> None:
        """Open the account with the configured quote balance; `mark` is the mark price in ticks."""
        self.asset = config.quote_asset
        self.wallet_units = money_units(config.quote)
        self.leverage = LEVERAGE
        self.hedged = False
        self.positions: dict[PositionSide, Position] = {side: Position(side) for side in ("BOTH", "LONG", "SHORT")}
        self.changes = 0  # counts whatever an account event would tell
        self._fees = 0
        self._resting: Counter[tuple[PositionSide, int]] = Counter()  # quote units that could open
        self._maker, self._taker = config.maker_fee_bps, config.taker_fee_bps
        self._grid, self._mark = grid, mark

    def shown(self) -> list[Position]:
        """Return the positions that the mode knows."""
        return [self.positions[side] for side in (("LONG", "SHORT") if self.hedged else ("BOTH",))]

    def mark_price(self) -> int:
        """Return the mark price in ticks: the middle of the book."""
        return self._mark()

    def notional_units(self, position: Position) -> int:
        """Return what a position is worth at the mark price, signed."""
        return self._grid.quote_units(self._mark(), position.lots)

    def unrealized_units(self, position: Position) -> int:
        """Return what closing at the mark price would bring."""
        return self.notional_units(position) - position.cost_units

    def equity_units(self) -> int:
        """Return wallet and unrealized profit together."""
        return self.wallet_units + sum(map(self.unrealized_units, self.positions.values()))

    def margin_units(self) -> int:
        """Return the initial margin in use by positions and by orders that could open more."""
        return self._margin(self._resting)

    def check(self, ticket: Ticket, quote_units: int) -> None:
        """Refuse an order on the wrong side of the mode, one that closes what is not there, and one without margin."""
        if (ticket.position_side == "BOTH") == self.hedged:
            raise side_does_not_match()
        if ticket.reduce_only:
            if self.hedged and ticket.qty > self.closable(ticket):
                raise nothing_to_reduce()
            return
        with_it = self._resting + Counter({(ticket.position_side, ticket.side): quote_units})
        needed = self._margin(with_it)
        if needed > self.equity_units() and needed > self.margin_units():
            raise margin_is_insufficient()

    def closable(self, ticket: Ticket) -> int:
        """Return the lots of position that an order of this side would close."""
        return max(0, -ticket.side * self.positions[ticket.position_side].lots)

    def lock(self, ticket: Ticket, qty: int) -> None:
        """Count what lots of an order could open."""
        self._resting[ticket.position_side, ticket.side] += self._could_open(ticket, qty)

    def release(self, ticket: Ticket, qty: int) -> None:
        """Count lots of an order no more."""
        self._resting[ticket.position_side, ticket.side] -= self._could_open(ticket, qty)

    def settle(self, ticket: Ticket, price: int, qty: int, maker: bool) -> Settlement:
        """Book one execution: the position, the profit that it realized, and the commission."""
        self.release(ticket, qty)
        quote_units = self._grid.quote_units(price, qty)
        realized = self.positions[ticket.position_side].trade(ticket.side, qty, quote_units)
        commission = int(quote_units * (self._maker if maker else self._taker) / BPS)
        self.wallet_units += realized - commission
        self._fees += commission
        self.changes += 1
        return Settlement(commission, self.asset, realized)

    def deposit(self, asset: str, units: int) -> Holding:
        """Move free money in or out; ValueError for another asset or more than is free."""
        (holding,) = self.holdings()
        if asset != self.asset or holding.free + units < 0:
            raise ValueError(f"{asset} cannot change by {units}e-8")
        self.wallet_units += units
        self.changes += 1
        return holding

    def holdings(self) -> Sequence[Holding]:
        """Return the wallet: what is free of margin, and the margin."""
        margin = self.margin_units()
        return (Holding(self.asset, self.wallet_units - margin, margin),)

    def fees(self) -> dict[str, int]:
        """Return the commission paid so far."""
        return {self.asset: self._fees}

    def inherit(self, other: Self) -> None:
        """Take over wallet, positions and mode of another account."""
        self.wallet_units, self._fees = other.wallet_units, other._fees
        self.positions, self.hedged, self.leverage = other.positions, other.hedged, other.leverage

    def maker_and_taker(self) -> tuple[str, str]:
        """Return the commission rates as fractions."""
        return _fraction(self._maker), _fraction(self._taker)

    def _could_open(self, ticket: Ticket, qty: int) -> int:
        if ticket.kind == "MARKET" or ticket.reduce_only:
            return 0
        return self._grid.quote_units(ticket.price, qty)

    def _margin(self, resting: Counter[tuple[PositionSide, int]]) -> int:
        """Return the margin of the worse of both sides: all bids filled, or all asks."""
        worst = 0
        for side, position in self.positions.items():
            worth = self.notional_units(position)
            worst += max(abs(worth + resting[side, BUY]), abs(worth - resting[side, SELL]))
        return worst // self.leverage


def _fraction(bps: Decimal) -> str:
    return f"{bps / BPS:.8f}"
