"""Quotes of a registered microvol version, as a market-making controller of Hummingbot.

What to quote, cancel and replace is decided by the same step as in microvol's replay and live quoting. Here the market
and the executors are put before it, and its actions become Hummingbot's.
"""

import math
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import OrderType, TradeType
from hummingbot.strategy_v2.controllers.market_making_controller_base import (
    MarketMakingControllerBase,
    MarketMakingControllerConfigBase,
)
from hummingbot.strategy_v2.executors.position_executor.data_types import PositionExecutorConfig, TripleBarrierConfig
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction, StopExecutorAction
from pydantic import Field, model_validator

from analytics.export.hummingbot.prototypes import SECTIONS
from analytics.export.hummingbot.quoting import KERNEL_DIGEST, Quoting, checked
from analytics.export.hummingbot.templates.executors import Executors
from analytics.export.hummingbot.templates.market import Market
from strategy.kernel.records import BUY, CANCEL, ENTRY, PLACE, TAKE

NS = 1_000_000_000
UPDATABLE: dict[str, Any] = {"prompt": None, "prompt_on_new": False, "is_updatable": True}


class MicroVolConfig(MarketMakingControllerConfigBase):
    """What one version quotes: Hummingbot's fields where it has them, microvol's own records in `strategy`.

    Spreads are multiples of the width, and sizes are the strategy's: the amounts are not used.
    """

    controller_name: str = "micro_vol"
    executor_refresh_time: float = Field(..., gt=0, json_schema_extra=UPDATABLE)
    cooldown_time: float = Field(..., ge=0, json_schema_extra=UPDATABLE)
    skip_rebalance: bool = Field(..., json_schema_extra=UPDATABLE)
    version: int = Field(..., ge=0, json_schema_extra=UPDATABLE)
    content_hash: str = Field(..., json_schema_extra=UPDATABLE)
    kernel_digest: str = Field(..., json_schema_extra=UPDATABLE)
    update_interval: float = Field(..., gt=0, json_schema_extra=UPDATABLE)
    depth_band_bps: float | None = Field(..., gt=0, json_schema_extra=UPDATABLE)
    strategy: dict[str, Any] = Field(..., json_schema_extra=UPDATABLE)

    @model_validator(mode="after")
    def _strategy_is_whole(self) -> "MicroVolConfig":
        checked(self.parameters)
        return self

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the strategy's records, with what Hummingbot has fields for; barriers are the executors' affair."""
        quoting = {
            **self.strategy.get("quoting", {}),
            "buy_levels": len(self.buy_spreads),
            "sell_levels": len(self.sell_spreads),
            "buy_spreads": list(self.buy_spreads),
            "sell_spreads": list(self.sell_spreads),
            "refresh_ns": round(self.executor_refresh_time * NS),
            "cooldown_ns": round(self.cooldown_time * NS),
            "rebalance_threshold": math.inf if self.skip_rebalance else float(self.position_rebalance_threshold_pct),
        }
        return {**self.strategy, "quoting": quoting, "barriers": SECTIONS["barriers"]}

    @property
    def triple_barrier_config(self) -> TripleBarrierConfig:
        """Return the barriers of an executor, whose own order is post-only."""
        return super().triple_barrier_config.model_copy(update={"open_order_type": OrderType.LIMIT_MAKER})


class MicroVol(MarketMakingControllerBase):
    """Looks at the market every `update_interval` and has executors do what the strategy decides."""

    def __init__(self, config: MicroVolConfig, *args: Any, **kwargs: Any) -> None:
        """Start with no knowledge of the market; parameters of another kernel are refused."""
        super().__init__(config, *args, **kwargs)
        if config.kernel_digest != KERNEL_DIGEST:
            raise ValueError(other_kernel(config))
        self.update_interval = config.update_interval
        self.market = Market(self.market_data_provider, config.connector_name, config.trading_pair)
        self.executors = Executors()
        self.quoting = Quoting(config.parameters)
        self.quoting.core["version"] = config.version
        self.processed_data: dict[str, Any] = {"reference_price": Decimal("NaN"), "spread_multiplier": Decimal(0)}
        self._seen = self._in_use = config
        self._actions: list[dict[str, Any]] = []

    async def update_processed_data(self) -> None:
        """Put executors, parameters and market before the strategy, and keep what it wants done."""
        self.executors.show(
            self.quoting, self.executors_info, self.market.connector.in_flight_orders, self.market.now_ns
        )
        self._actions = [*self._take_config(), *self.market.show(self.quoting, self._in_use.depth_band_bps)]
        core = self.quoting.core
        width = 0.5 * (core["bid_bps"] + core["ask_bps"]) / 10_000.0
        self.processed_data = {
            "reference_price": Decimal(repr(core["reference_ticks"])) * self.quoting.tick_size,
            "spread_multiplier": Decimal(repr(width)),
            "regime": self.quoting.regime,
            "sigma": core["sigma"],
            "reasons": self.quoting.reasons,
            "wanted": self.wanted(),
        }

    def get_levels_to_execute(self) -> list[str]:
        """Return the levels whose quote is to be placed now."""
        return [self._level_id(each) for each in self._of_quotes(PLACE)]

    def get_price_and_amount(self, level_id: str) -> tuple[Decimal, Decimal]:
        """Return price and size of a quote that is to be placed now."""
        action = next(each for each in self._of_quotes(PLACE) if self._level_id(each) == level_id)
        return action["price_ticks"] * self.quoting.tick_size, action["qty_lots"] * self.quoting.lot_size

    def get_executor_config(self, level_id: str, price: Decimal, amount: Decimal) -> PositionExecutorConfig:
        """Return an executor that quotes a level and closes by the barriers what it is filled with."""
        return PositionExecutorConfig(
            timestamp=self.market_data_provider.time(),
            level_id=level_id,
            connector_name=self.config.connector_name,
            trading_pair=self.config.trading_pair,
            side=self.get_trade_type_from_level_id(level_id),
            entry_price=price,
            amount=amount,
            triple_barrier_config=self.config.triple_barrier_config,
            leverage=self.config.leverage,
        )

    def executors_to_refresh(self) -> list[ExecutorAction]:
        """Stop the executors whose quote is to be cancelled; what a filled one holds is its barriers' affair."""
        owners = [self.executors.owner_of(each) for each in self._of_quotes(CANCEL)]
        return [self._stop(each) for each in owners if not self.executors.waits_for_barriers(each)]

    def executors_to_early_stop(self) -> list[ExecutorAction]:
        """Stop the executors that hold a fill which no barrier would ever close; the base stays in the account."""
        return [self._stop(each) for each in self.executors.done_without_barriers]

    def check_position_rebalance(self) -> CreateExecutorAction | None:
        """Return the one order of a breach of the rebalance threshold, when the strategy sends it."""
        for action in self._actions:
            if action["kind"] == TAKE:
                side = TradeType.BUY if action["side"] == BUY else TradeType.SELL
                return self.create_position_rebalance_order(side, action["qty_lots"] * self.quoting.lot_size)
        return None

    def wanted(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Return price and size of every wanted quote by level, whether it rests already or not."""
        decision, found = self.quoting.decision, {}
        for name, side in (("buy", "bid"), ("sell", "ask")):
            pairs = zip(decision[f"want_{side}_ticks"], decision[f"want_{side}_lots"], strict=True)
            for level, (ticks, lots) in enumerate(pairs):
                if lots > 0:
                    found[f"{name}_{level}"] = (ticks * self.quoting.tick_size, lots * self.quoting.lot_size)
        return found

    def to_format_status(self) -> list[str]:
        """Return what an operator sees: version, regime, widths, and the wanted quotes."""
        core = self.quoting.core
        lines = [
            f"microvol version {core['version']} ({self._in_use.content_hash[:12]}), {self.config.trading_pair}",
            f"regime {self.quoting.regime}, sigma {core['sigma']:.6g}, "
            f"half-spreads {core['bid_bps']:.3f} and {core['ask_bps']:.3f} bps",
            f"reasons: {', '.join(self.quoting.reasons) or 'none'}",
        ]
        return lines + [f"wants {level}: {amount} at {price}" for level, (price, amount) in self.wanted().items()]

    def get_custom_info(self) -> dict[str, Any]:
        """Return what is published beside the performance report."""
        core = self.quoting.core
        sigma = None if math.isnan(core["sigma"]) else core["sigma"]
        return {"version": core["version"], "regime": self.quoting.regime, "sigma": sigma}

    def _take_config(self) -> list[dict[str, Any]]:
        """Swap to a changed configuration; one for another kernel is refused and named once, the old one goes on."""
        config = self.config
        if config is self._seen:
            return []
        self._seen = config
        if config.kernel_digest != KERNEL_DIGEST:
            self.logger().error(other_kernel(config))
            return []
        before, self._in_use = self._in_use, config
        self.update_interval = config.update_interval
        if (config.parameters, config.version) == (before.parameters, before.version):
            return []
        return self.quoting.swap(config.parameters, config.version, self.market.now_ns)

    def _of_quotes(self, kind: int) -> list[dict[str, Any]]:
        return [each for each in self._actions if each["kind"] == kind and each["purpose"] == ENTRY]

    def _level_id(self, action: dict[str, Any]) -> str:
        side = TradeType.BUY if action["side"] == BUY else TradeType.SELL
        return str(self.get_level_id_from_side(side, action["level"]))

    def _stop(self, executor_id: str) -> StopExecutorAction:
        """Return a stop: a fill that comes before the cancel stays in the account, or is closed where barriers are."""
        keep = not self.executors.has_barriers(executor_id)
        return StopExecutorAction(controller_id=self.config.id, executor_id=executor_id, keep_position=keep)


def other_kernel(config: MicroVolConfig) -> str:
    """Return why a configuration cannot be used."""
    return (
        f"{config.id} version {config.version} is for kernel {config.kernel_digest[:12]}, these files are "
        f"{KERNEL_DIGEST[:12]}: export it again and restart"
    )
