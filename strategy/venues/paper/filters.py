"""The symbol's trading rules: what an order's numbers must satisfy before it reaches the book."""

import re
from dataclasses import dataclass
from decimal import Decimal

from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.grid import UNIT, Grid, exact_units, money_text, money_units
from strategy.venues.paper.refusals import Refusal, filter_failure, illegal

DECIMAL_LEGAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
DECIMAL = re.compile(DECIMAL_LEGAL)
MAX_PRICE_UNITS = 10_000_000 * UNIT
MAX_QTY_UNITS = 9_000 * UNIT
BAND_UP, BAND_DOWN = 5, Decimal("0.2")  # PERCENT_PRICE_BY_SIDE, of the last price


def decimal_units(name: str, text: str) -> int:
    """Return a decimal parameter in 1e-8 units, or refuse it in the venue's words."""
    if not DECIMAL.match(text):
        raise illegal(name, DECIMAL_LEGAL)
    units = exact_units(text)
    if units is None:
        raise Refusal(-1111, f"Parameter '{name}' has too much precision.")
    return units


@dataclass(frozen=True, slots=True)
class Filters:
    """PRICE_FILTER, LOT_SIZE, NOTIONAL, PERCENT_PRICE_BY_SIDE and MAX_NUM_ORDERS of one symbol."""

    grid: Grid
    min_notional_units: int
    max_open_orders: int

    @classmethod
    def of(cls, config: PaperConfig, grid: Grid) -> "Filters":
        """Take the filters from the configuration."""
        return cls(grid, money_units(Decimal(config.min_notional)), config.max_open_orders)

    def ticks(self, text: str, last_ticks: int) -> int:
        """Return a price in ticks after PRICE_FILTER and the band around the last price."""
        units = decimal_units("price", text)
        if not 0 < units <= MAX_PRICE_UNITS or units % self.grid.tick_units:
            raise filter_failure("PRICE_FILTER")
        ticks = units // self.grid.tick_units
        if not BAND_DOWN * last_ticks <= ticks <= BAND_UP * last_ticks:
            raise filter_failure("PERCENT_PRICE_BY_SIDE")
        return ticks

    def lots(self, text: str) -> int:
        """Return a quantity in lots after LOT_SIZE."""
        units = decimal_units("quantity", text)
        if not self.grid.lot_units <= units <= MAX_QTY_UNITS or units % self.grid.lot_units:
            raise filter_failure("LOT_SIZE")
        return units // self.grid.lot_units

    def check_notional(self, ticks: int, lots: int) -> None:
        """Refuse an order that is worth too little."""
        if self.grid.quote_units(ticks, lots) < self.min_notional_units:
            raise filter_failure("NOTIONAL")

    def check_count(self, open_orders: int) -> None:
        """Refuse an order beyond the number that may rest."""
        if open_orders >= self.max_open_orders:
            raise filter_failure("MAX_NUM_ORDERS")

    def listing(self) -> list[dict[str, object]]:
        """Return the filters as exchangeInfo lists them."""
        tick, lot = money_text(self.grid.tick_units), money_text(self.grid.lot_units)
        maximum = money_text(MAX_QTY_UNITS)
        return [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": money_text(MAX_PRICE_UNITS), "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": maximum, "stepSize": lot},
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {"filterType": "MARKET_LOT_SIZE", "minQty": money_text(0), "maxQty": maximum, "stepSize": money_text(0)},
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": str(BAND_UP),
                "bidMultiplierDown": str(BAND_DOWN),
                "askMultiplierUp": str(BAND_UP),
                "askMultiplierDown": str(BAND_DOWN),
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": money_text(self.min_notional_units),
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": self.max_open_orders},
        ]
