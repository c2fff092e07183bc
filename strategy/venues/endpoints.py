"""ccxt's names of the requests that we make, by kind of market, and what each weighs with the venue."""

from dataclasses import dataclass
from typing import Any, Final

from strategy.kernel.records import BUY, SELL
from strategy.venues.ports import OrderRequest
from strategy.venues.settings import VenueConfig
from strategy.venues.units import Units


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One request: ccxt's method and its weight."""

    name: str
    weight: int = 1

    def of(self, exchange: Any) -> Any:
        """Return the method of an exchange that sends it."""
        return getattr(exchange, self.name)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Every request of one kind of market; `snapshot_depth` is the most that a snapshot may be asked for."""

    time: Endpoint
    info: Endpoint
    depth: Endpoint
    snapshot_depth: int
    place: Endpoint
    cancel: Endpoint
    cancel_all: Endpoint
    order: Endpoint
    open_orders: Endpoint
    executions: Endpoint
    account: Endpoint
    commission: Endpoint


SPOT: Final = Endpoints(
    time=Endpoint("publicGetTime"),
    info=Endpoint("publicGetExchangeInfo", 20),
    depth=Endpoint("publicGetDepth", 250),
    snapshot_depth=5000,
    place=Endpoint("privatePostOrder"),
    cancel=Endpoint("privateDeleteOrder"),
    cancel_all=Endpoint("privateDeleteOpenOrders"),
    order=Endpoint("privateGetOrder", 4),
    open_orders=Endpoint("privateGetOpenOrders", 6),
    executions=Endpoint("privateGetMyTrades", 20),
    account=Endpoint("privateGetAccount", 20),
    commission=Endpoint("privateGetAccountCommission", 20),
)

FUTURES: Final = Endpoints(
    time=Endpoint("fapiPublicGetTime"),
    info=Endpoint("fapiPublicGetExchangeInfo"),
    depth=Endpoint("fapiPublicGetDepth", 20),
    snapshot_depth=1000,
    place=Endpoint("fapiPrivatePostOrder"),
    cancel=Endpoint("fapiPrivateDeleteOrder"),
    cancel_all=Endpoint("fapiPrivateDeleteAllOpenOrders"),
    order=Endpoint("fapiPrivateGetOrder"),
    open_orders=Endpoint("fapiPrivateGetOpenOrders"),
    executions=Endpoint("fapiPrivateGetUserTrades", 5),
    account=Endpoint("fapiPrivateV3GetAccount", 5),
    commission=Endpoint("fapiPrivateGetCommissionRate", 20),
)

KEY_RESTRICTIONS: Final = Endpoint("sapiGetAccountApiRestrictions")
POSITION_MODE: Final = Endpoint("fapiPrivateGetPositionSideDual", 30)
SYMBOL_CONFIGURATION: Final = Endpoint("fapiPrivateGetSymbolConfig", 5)
COUNTDOWN: Final = Endpoint("fapiPrivatePostCountdownCancelAll", 10)
OPEN_LISTEN_KEY: Final = Endpoint("fapiPrivatePostListenKey")
RENEW_LISTEN_KEY: Final = Endpoint("fapiPrivatePutListenKey")


def endpoints(config: VenueConfig) -> Endpoints:
    """Return the requests of a symbol's kind of market."""
    return FUTURES if config.is_futures else SPOT


def order_fields(config: VenueConfig, units: Units, request: OrderRequest) -> dict[str, str]:
    """Return a request in the venue's words; only futures (`BASE/QUOTE:SETTLE`) know orders that reduce."""
    return {
        "symbol": config.market_id,
        "side": "BUY" if request.side == BUY else "SELL",
        **(_futures_kind(request) if config.is_futures else _spot_kind(request)),
        "price": units.price(request.price_ticks),
        "quantity": units.qty(request.qty_lots),
        "newClientOrderId": request.client_id,
    }


def _spot_kind(request: OrderRequest) -> dict[str, str]:
    kind = {"type": "LIMIT", "timeInForce": "IOC"} if request.kind == "ioc" else {"type": "LIMIT_MAKER"}
    return kind | {"newOrderRespType": "FULL"}


def _futures_kind(request: OrderRequest) -> dict[str, str]:
    """Return the kind of an order; one that closes reduces only if it sells.

    Positions that the strategy closes are those of its slots. The venue's net position is what is held, which is never
    short: a purchase that closes a slot's sale takes back what was held, and the venue would refuse it as a reduction.
    """
    kind = {"type": "LIMIT", "timeInForce": "IOC" if request.kind == "ioc" else "GTX"}
    reduces = {"reduceOnly": "true"} if request.reduce_only and request.side == SELL else {}
    return kind | reduces | {"newOrderRespType": "RESULT"}
