"""Orders from the strategy's actions, and orders and executions as the journal keeps them."""

import time
from typing import Any, Final

import numpy as np

from strategy.kernel.records import BUY, PURPOSE_NAMES, TAKE
from strategy.live.desk import PREFIX, LiveOrder
from strategy.venues.ports import OwnFill

_ORDER_FIELDS: Final = ("client_id", "order_id", "version", "side", "level", "price_ticks", "qty_lots")


def new_client_id(token: str, version: int, action: np.void) -> str:
    """Return the id that the venue is to know an order by: session, version, slot and number."""
    side = "b" if action["side"] == BUY else "a"
    return f"{PREFIX}{token}-{version}-{side}{action['level']}-{action['order_id']}"


def live_order(action: np.void, decision: np.void, client_id: str, version: int) -> LiveOrder:
    """Return the order that an action is about, with mid and regime as they were decided."""
    return LiveOrder(
        client_id=client_id,
        order_id=int(action["order_id"]),
        version=version,
        side=int(action["side"]),
        level=int(action["level"]),
        price_ticks=int(action["price_ticks"]),
        qty_lots=int(action["qty_lots"]),
        mid_ticks=float(decision["mid_ticks"]),
        regime=int(decision["regime"]),
        sent_ns=time.time_ns(),
        kind="ioc" if action["kind"] == TAKE else "post_only",
        purpose=int(action["purpose"]),
    )


def order_step(order: LiveOrder, what: str, detail: str, exch_ts: int) -> dict[str, Any]:
    """Return a step in an order's life."""
    step: dict[str, Any] = {name: getattr(order, name) for name in _ORDER_FIELDS}
    step |= {"purpose": PURPOSE_NAMES[order.purpose], "maker": order.kind == "post_only"}
    return {**step, "what": what, "detail": detail, "exch_ts": exch_ts}


def fill_record(order: LiveOrder, fill: OwnFill, mid_ticks: float) -> dict[str, Any]:
    """Return an execution with the mid when it was heard of, and mid and regime when its order was decided."""
    return {
        "trade_id": fill.trade_id,
        "client_id": order.client_id,
        "order_id": order.order_id,
        "version": order.version,
        "side": order.side,
        "level": order.level,
        "purpose": PURPOSE_NAMES[order.purpose],
        "maker": fill.maker,
        "price_ticks": fill.price_ticks,
        "qty_lots": fill.qty_lots,
        "fee_base_lots": fill.fee_base_lots,
        "fee_quote_atoms": fill.fee_quote_atoms,
        "mid_ticks": mid_ticks,
        "quoted_mid_ticks": order.mid_ticks,
        "quoted_regime": order.regime,
        "exch_ts": fill.exch_ts,
    }
