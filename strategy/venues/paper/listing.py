"""The exchangeInfo reply: one symbol, its filters, and the venue's limits."""

import json
from typing import Any

from strategy.venues.paper.futures.listing import futures_info
from strategy.venues.paper.market import Market
from strategy.venues.paper.publisher import MS
from strategy.venues.paper.reports import PREVENTION

ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET"]


def rate_limits(market: Market) -> list[dict[str, Any]]:
    """Return the limits as the venue lists them."""
    config = market.config
    return [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": config.weight_per_minute},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": config.orders_per_10s},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": config.orders_per_day},
    ]


def exchange_info(market: Market, now_ns: int) -> str:
    """Return the reply's JSON."""
    config = market.config
    if config.is_futures:
        return futures_info(config, market.desk.filters, rate_limits(market), now_ns // MS)
    symbol = {
        "symbol": config.venue_symbol,
        "status": "TRADING",
        "baseAsset": config.base_asset,
        "baseAssetPrecision": 8,
        "quoteAsset": config.quote_asset,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": False,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": market.desk.filters.listing(),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": PREVENTION,
        "allowedSelfTradePreventionModes": [PREVENTION],
    }
    reply = {
        "timezone": "UTC",
        "serverTime": now_ns // MS,
        "rateLimits": rate_limits(market),
        "exchangeFilters": [],
        "symbols": [symbol],
    }
    return json.dumps(reply, separators=(",", ":"))
