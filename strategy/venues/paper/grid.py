"""The venue's number formats: decimal strings with eight places to ticks, lots and money atoms, and back.

Money is counted in units of 1e-8 of an asset, exactly, so that balances are sums of integers.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

PLACES = 8
UNIT = 100_000_000
DECIMAL_UNIT = Decimal(UNIT)


def money_text(units: int) -> str:
    """Return 1e-8 units as the venue's decimal string."""
    sign = "-" if units < 0 else ""
    whole, rest = divmod(abs(units), UNIT)
    return f"{sign}{whole}.{rest:08d}"


def money_units(amount: Decimal) -> int:
    """Return an amount of an asset in 1e-8 units, what is finer cut off."""
    return int(amount.scaleb(PLACES))


def exact_units(text: str) -> int | None:
    """Return a decimal string in 1e-8 units, or None when it is no plain non-negative number on that grid."""
    try:
        scaled = Decimal(text) * DECIMAL_UNIT
    except InvalidOperation:
        return None
    if not scaled.is_finite() or scaled < 0 or scaled != scaled.to_integral_value():
        return None
    return int(scaled)


@dataclass(frozen=True, slots=True)
class Grid:
    """Tick and lot of one symbol in 1e-8 units. A tick times a lot must be a whole number of quote units."""

    tick_units: int
    lot_units: int

    @classmethod
    def of(cls, tick_size: str, lot_size: str) -> "Grid":
        """Build the grid from the filters' decimal strings; ValueError names a size that does not fit."""
        tick, lot = exact_units(tick_size), exact_units(lot_size)
        if not tick or not lot or tick * lot % UNIT:
            raise ValueError(f"tick size {tick_size} with lot size {lot_size} does not fit eight decimal places")
        return cls(tick, lot)

    def price(self, ticks: int) -> str:
        """Return a price in the venue's words."""
        whole, rest = divmod(ticks * self.tick_units, UNIT)
        return f"{whole}.{rest:08d}"

    def quantity(self, lots: int) -> str:
        """Return a quantity in the venue's words."""
        whole, rest = divmod(lots * self.lot_units, UNIT)
        return f"{whole}.{rest:08d}"

    def base_units(self, lots: int) -> int:
        """Return a quantity in 1e-8 of the base asset."""
        return lots * self.lot_units

    def quote_units(self, ticks: int, lots: int) -> int:
        """Return a notional in 1e-8 of the quote asset, exactly."""
        return ticks * lots * (self.tick_units * self.lot_units // UNIT)
