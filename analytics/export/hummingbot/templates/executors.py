"""A controller's executors as the strategy's slots: what may rest, what holds something, what pauses."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType

from analytics.export.hummingbot.quoting import Quoting
from strategy.kernel.news import reject_pause
from strategy.kernel.quotes import first_of
from strategy.kernel.records import (
    BUY,
    CANCELLING,
    COOLDOWN,
    ENTRY,
    IDLE,
    PENDING,
    POSITION,
    QUOTED,
    REBALANCE,
    REJECT_OTHER,
    SELL,
    TAKE_PROFIT,
)
from strategy.kernel.state import ENTRIES, EXITS

NS = 1_000_000_000
REBALANCE_LEVEL = "position_rebalance"  # Hummingbot's name for the order that rebalances
REFUSED = (CloseType.FAILED, CloseType.INSUFFICIENT_BALANCE)


class Executors:
    """What is known of the executors, from their reports and the connector's orders in flight."""

    def __init__(self) -> None:
        """Know of none."""
        self._filled: set[str] = set()  # whose entry had a fill
        self._ended: dict[str, int] = {}  # when they were first seen to be over, ns
        self._owners: dict[int, str] = {}  # by slot
        self._barred: set[str] = set()  # that have barriers
        self._idle_fills: list[str] = []  # filled in full, and nothing will ever close them

    def show(self, quoting: Quoting, infos: Iterable[Any], orders: Mapping[str, Any], now_ns: int) -> None:
        """Make the strategy's slots what the executors are; `orders` are the connector's in flight, by client id."""
        for slot in quoting.slots:
            slot.update(state=IDLE, order_id=0, leaves_lots=0, filled=0)
        known = list(infos)
        self._forget_all_but({each.id for each in known})
        self._owners, self._idle_fills = {}, []
        for info in known:
            level_id = info.custom_info.get("level_id") or ""
            if level_id == REBALANCE_LEVEL and info.is_active:
                quoting.slots[EXITS].update(state=PENDING, purpose=REBALANCE, leaves_lots=0)
            elif level_id.startswith(("buy_", "sell_")):
                self._show_quote(quoting, info, orders, now_ns)

    def owner_of(self, action: Mapping[str, Any]) -> str:
        """Return the executor whose quote an action is about."""
        return self._owners[first_of(action["side"]) + action["level"]]

    def has_barriers(self, executor_id: str) -> bool:
        """Return whether an executor closes by itself what it is filled with."""
        return executor_id in self._barred

    def waits_for_barriers(self, executor_id: str) -> bool:
        """Return whether an executor was filled, in part at least, and will close that by itself."""
        return executor_id in self._filled and executor_id in self._barred

    @property
    def done_without_barriers(self) -> list[str]:
        """Return the executors that hold a full fill which no barrier will close."""
        return self._idle_fills

    def _show_quote(self, quoting: Quoting, info: Any, orders: Mapping[str, Any], now_ns: int) -> None:
        side_name, _, level = info.custom_info["level_id"].partition("_")
        side = BUY if side_name == "buy" else SELL
        i = first_of(side) + int(level)
        mine = [orders[each] for each in info.custom_info["order_ids"] if each in orders]
        entry = next((each for each in mine if each.trade_type == info.config.side and not each.is_done), None)
        if info.is_trading or info.filled_amount_quote > 0 or (entry is not None and entry.executed_amount_base > 0):
            self._filled.add(info.id)
        if has_barriers(info):
            self._barred.add(info.id)
        self._show_profit_order(quoting, i, [each for each in mine if each.trade_type != info.config.side])
        state, until_ns = self._state_of(quoting, info, entry, now_ns)
        slot = quoting.slots[i]
        if slot["state"] not in (IDLE, COOLDOWN) or (slot["state"] == COOLDOWN and state == IDLE):
            return  # another executor's order is still there, or pauses
        if state == COOLDOWN and slot["state"] == COOLDOWN:
            until_ns = max(until_ns, slot["cooldown_until_ns"])
        if state not in (IDLE, COOLDOWN):
            self._owners[i] = info.id
        done = 0 if entry is None else entry.executed_amount_base
        slot.update(
            state=state,
            purpose=ENTRY,
            filled=int(info.id in self._filled),
            price_ticks=round(info.config.entry_price / quoting.tick_size),
            leaves_lots=round((info.config.amount - done) / quoting.lot_size),
            placed_ns=round(info.timestamp * NS),
            cooldown_until_ns=until_ns,
        )

    def _show_profit_order(self, quoting: Quoting, i: int, closing: list[Any]) -> None:
        """Show the resting order that closes what slot `i` holds: it locks funds, and no quote may reach it.

        Not where a rebalance may come: it waits for such orders to go, and only the executor can cancel this one.
        """
        resting = next((each for each in closing if each.order_type.is_limit_type() and not each.is_done), None)
        if resting is None or quoting.parameters["quoting"]["rebalance_threshold"] != math.inf:
            return
        quoting.core["exits_used"] = 1
        quoting.slots[ENTRIES + i].update(
            state=QUOTED,
            purpose=TAKE_PROFIT,
            price_ticks=round(resting.price / quoting.tick_size),
            leaves_lots=round((resting.amount - resting.executed_amount_base) / quoting.lot_size),
        )

    def _state_of(self, quoting: Quoting, info: Any, entry: Any, now_ns: int) -> tuple[int, int]:
        """Return a quote's slot state, and until when it pauses (ns)."""
        filled = info.id in self._filled
        if entry is not None:
            if not info.is_active:
                return CANCELLING, 0
            return (PENDING if entry.is_pending_create else QUOTED), 0
        if info.is_active and not filled:
            return PENDING, 0
        if filled and info.id in self._barred and info.status != RunnableStatus.TERMINATED:
            return POSITION, 0
        if info.is_active:
            self._idle_fills.append(info.id)
        until_ns = self._ended.setdefault(info.id, now_ns) + self._pause_ns(quoting, info)
        return (COOLDOWN if now_ns < until_ns else IDLE), until_ns

    def _pause_ns(self, quoting: Quoting, info: Any) -> int:
        """Return how long a level waits after this executor: after a fill, or a refusal."""
        quoting_record = quoting.parameters["quoting"]
        if info.id in self._filled:
            return int(quoting_record["cooldown_ns"])
        return reject_pause(quoting_record, REJECT_OTHER) if info.close_type in REFUSED else 0

    def _forget_all_but(self, ids: set[str]) -> None:
        self._filled &= ids
        self._barred &= ids
        self._ended = {each: ns for each, ns in self._ended.items() if each in ids}


def has_barriers(info: Any) -> bool:
    """Return whether an executor closes by itself what it is filled with."""
    barriers = info.config.triple_barrier_config
    every = (barriers.stop_loss, barriers.take_profit, barriers.time_limit, barriers.trailing_stop)
    return any(each is not None for each in every)
