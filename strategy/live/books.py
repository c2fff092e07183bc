"""What the account should hold, exactly: the start's holdings, our executions, and what came or went besides.

All sums are integers or decimals, so that a difference from the venue's own figures is a difference and no rounding.
Lots are of base, atoms (a tick's price of a lot) of quote.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from strategy.kernel.records import BUY, SELL
from strategy.policies.document import Instrument
from strategy.venues.ports import Balance, OwnFill

_MONEY: Final = Decimal("1e-8")  # the venue keeps no smaller part of an asset


def exact(value: float) -> Decimal:
    """Return the decimal that a float was made from: the shortest that reads back as the same float."""
    return Decimal(repr(value))


@dataclass(slots=True)
class Executed:
    """Sums of executions as one side tells them."""

    lots: dict[int, int] = field(default_factory=lambda: {BUY: 0, SELL: 0})
    atoms: dict[int, int] = field(default_factory=lambda: {BUY: 0, SELL: 0})
    fee_base_lots: Decimal = Decimal(0)
    fee_quote_atoms: Decimal = Decimal(0)

    def add(self, fill: OwnFill) -> None:
        """Take one execution."""
        self.lots[fill.side] += fill.qty_lots
        self.atoms[fill.side] += fill.qty_lots * fill.price_ticks
        self.fee_base_lots += exact(fill.fee_base_lots)
        self.fee_quote_atoms += exact(fill.fee_quote_atoms)

    def average_ticks(self, side: int) -> Decimal:
        """Return the average price of a side in ticks, 0 without any."""
        return Decimal(self.atoms[side]) / self.lots[side] if self.lots[side] else Decimal(0)

    @property
    def base_lots(self) -> Decimal:
        """Return by how much they changed the base held."""
        return self.lots[BUY] - self.lots[SELL] - self.fee_base_lots

    @property
    def quote_atoms(self) -> Decimal:
        """Return by how much they changed the cash held."""
        return self.atoms[SELL] - self.atoms[BUY] - self.fee_quote_atoms


class Books:
    """The books of one session."""

    def __init__(self, instrument: Instrument, balance: Balance) -> None:
        """Begin with what the account held when the session did."""
        self._base, self._quote = instrument.symbol.partition(":")[0].split("/")
        self._tick, self._lot = Decimal(instrument.tick_size), Decimal(instrument.lot_size)
        self.begin(balance)

    def begin(self, balance: Balance) -> None:
        """Begin anew with these holdings."""
        self._start_base, self._start_quote = exact(balance.base_lots), exact(balance.quote_atoms)
        self.ours, self.venues = Executed(), Executed()

    def transfer(self, base_lots: Decimal, quote_atoms: Decimal) -> None:
        """Take what came into the account (negative: went out) other than by an order of this session."""
        self._start_base += base_lots
        self._start_quote += quote_atoms

    @property
    def base_lots(self) -> Decimal:
        """Return the base that the account should hold."""
        return self._start_base + self.ours.base_lots

    @property
    def quote_atoms(self) -> Decimal:
        """Return the cash that the account should hold."""
        return self._start_quote + self.ours.quote_atoms

    def balance(self) -> Balance:
        """Return what the account should hold as the strategy takes it."""
        return Balance(float(self.base_lots), float(self.quote_atoms))

    def execution_differences(self) -> list[str]:
        """Return where the venue's list of our executions says other than what the strategy was told of them."""
        ours, venues, lot, atom = self.ours, self.venues, self._lot, self._tick * self._lot
        pairs = [
            (f"quantity bought ({self._base})", ours.lots[BUY] * lot, venues.lots[BUY] * lot),
            (f"quantity sold ({self._base})", ours.lots[SELL] * lot, venues.lots[SELL] * lot),
            ("average price bought", ours.average_ticks(BUY) * self._tick, venues.average_ticks(BUY) * self._tick),
            ("average price sold", ours.average_ticks(SELL) * self._tick, venues.average_ticks(SELL) * self._tick),
            (f"fees in {self._base}", ours.fee_base_lots * lot, venues.fee_base_lots * lot),
            (f"fees in {self._quote}", ours.fee_quote_atoms * atom, venues.fee_quote_atoms * atom),
        ]
        return [said for pair in pairs if (said := _difference(*pair)) is not None]

    def holding_differences(self, balance: Balance) -> list[str]:
        """Return where the account holds other than it should."""
        base = (f"{self._base} held", self.base_lots * self._lot, exact(balance.base_lots) * self._lot)
        atom = self._tick * self._lot
        quote = (f"{self._quote} held", self.quote_atoms * atom, exact(balance.quote_atoms) * atom)
        return [said for pair in (base, quote) if (said := _difference(*pair)) is not None]


def _difference(what: str, ours: Decimal, venues: Decimal) -> str | None:
    ours, venues = ours.quantize(_MONEY), venues.quantize(_MONEY)
    if ours == venues:
        return None
    return f"{what}: ours {ours:f}, the venue's {venues:f}, off by {ours - venues:+f}"
