"""The exchangeInfo reply of a futures venue and the filters that it names."""

import json
from dataclasses import dataclass
from typing import Any

from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.filters import BAND_DOWN, BAND_UP, MAX_PRICE_UNITS, MAX_QTY_UNITS, Filters
from strategy.venues.paper.futures.refusals import notional_too_small
from strategy.venues.paper.grid import money_text

NEVER_MS = 4_133_404_800_000  # a perpetual's delivery date


@dataclass(frozen=True, slots=True)
class FuturesFilters(Filters):
    """The same numbers in futures' words."""

    def check_notional(self, ticks: int, lots: int) -> None:
        """Refuse an order that may open and is worth too little."""
        if self.grid.quote_units(ticks, lots) < self.min_notional_units:
            raise notional_too_small(money_text(self.min_notional_units).rstrip("0").rstrip("."))

    def listing(self) -> list[dict[str, object]]:
        """Return the filters as exchangeInfo lists them."""
        tick, lot, most = money_text(self.grid.tick_units), money_text(self.grid.lot_units), money_text(MAX_QTY_UNITS)
        return [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": money_text(MAX_PRICE_UNITS), "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": most, "stepSize": lot},
            {"filterType": "MARKET_LOT_SIZE", "minQty": lot, "maxQty": most, "stepSize": lot},
            {"filterType": "MAX_NUM_ORDERS", "limit": self.max_open_orders},
            {"filterType": "MIN_NOTIONAL", "notional": money_text(self.min_notional_units)},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": str(BAND_UP),
                "multiplierDown": str(BAND_DOWN),
                "multiplierDecimal": "4",
            },
        ]


def futures_info(config: PaperConfig, filters: Filters, rate_limits: list[dict[str, Any]], now_ms: int) -> str:
    """Return the reply's JSON."""
    symbol = {
        "symbol": config.venue_symbol,
        "pair": config.venue_symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER_MS,
        "onboardDate": 0,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": config.base_asset,
        "quoteAsset": config.quote_asset,
        "marginAsset": config.quote_asset,
        "pricePrecision": _places(config.tick_size),
        "quantityPrecision": _places(config.lot_size),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.000000",
        "marketTakeBound": "0.05",
        "filters": filters.listing(),
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }
    asset = {"asset": config.quote_asset, "marginAvailable": True, "autoAssetExchange": "0"}
    reply = {
        "timezone": "UTC",
        "serverTime": now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": rate_limits,
        "exchangeFilters": [],
        "assets": [asset],
        "symbols": [symbol],
    }
    return json.dumps(reply, separators=(",", ":"))


def _places(step: str) -> int:
    return len(step.rstrip("0").partition(".")[2])
