"""Run exported controllers in Hummingbot over recorded markets and write what they decided, sample by sample.

    python drive.py CASES.json OUT.jsonl        with an exported folder as the working directory

The strategy, the controller's base, the orchestrator, the executors and the order tracking are Hummingbot's own; the
venue is `connector.RecordedVenue`, and time is the recording's.
"""

import asyncio
import copy
import json
import logging
import math
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path.cwd()))

from connector import RecordedVenue
from hummingbot.client import settings
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.core.clock import Clock, ClockMode
from hummingbot.data_feed.market_data_provider import MarketDataProvider
from hummingbot.strategy import strategy_v2_base
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase
from loop import JumpingLoop

START = 1_700_000_000  # the recording's second 0, since the epoch
SLOT_FIELDS = (
    "state", "side", "level", "filled", "purpose", "order_id", "price_ticks", "leaves_lots", "placed_ns",
    "cooldown_until_ns",
)  # fmt: skip
CORE_FIELDS = ("regime", "version")


class NoDatabase:
    """Hummingbot's record keeper, with nothing recorded before and nothing kept."""

    def __getattr__(self, name: str) -> Any:
        """Answer every question with an empty list."""
        return lambda *args, **kwargs: []


class RecordedProvider(MarketDataProvider):
    """Hummingbot's market data at the recording's time; no rates are asked of the network."""

    def time(self) -> float:
        """Return the recording's time."""
        return START + asyncio.get_running_loop().time()

    def initialize_rate_sources(self, connector_pairs: list[Any]) -> None:
        """Ask nobody."""


class Strategy(StrategyV2Base):
    """A stock V2 strategy with controllers; it adds no executors of its own."""

    def start(self, clock: Clock, timestamp: float) -> None:
        """Start the controllers, without the application around them."""
        self._last_timestamp = timestamp
        for controller in self.controllers.values():
            controller.start()

    def create_actions_proposal(self) -> list[Any]:
        """Create nothing."""
        return []

    def stop_actions_proposal(self) -> list[Any]:
        """Stop nothing."""
        return []


class Watch:
    """Notes what a controller is shown and what it decides, without changing either."""

    def __init__(self, controller: Any) -> None:
        """Look over a controller's shoulder."""
        self.samples: list[dict[str, Any]] = []
        self.wanted: list[dict[str, str]] = []
        self._controller = controller
        self._show, self._update = controller.executors.show, controller.update_processed_data
        self._config_of = controller.get_executor_config
        controller.executors.show = self.show
        controller.update_processed_data = self.update
        controller.get_executor_config = self.executor_config
        self._slots: list[dict[str, Any]] = []

    def show(self, *args: Any) -> None:
        """Keep the slots as they are before the strategy moves them."""
        self._show(*args)
        self._slots = [{name: slot[name] for name in SLOT_FIELDS} for slot in self._controller.quoting.slots]

    def executor_config(self, level_id: str, price: Any, amount: Any) -> Any:
        """Keep what an executor is asked for."""
        self.wanted.append({"level": level_id, "price": str(price), "amount": str(amount)})
        return self._config_of(level_id, price, amount)

    async def update(self) -> None:
        """Keep one sample."""
        controller, connector = self._controller, self._controller.market.connector
        now_ns = controller.market.now_ns
        base, quote = controller.config.trading_pair.split("-")
        balances = [str(connector.get_balance(asset)) for asset in (base, quote)]
        await self._update()
        assert controller.market.now_ns == now_ns
        quoting = controller.quoting
        self.samples.append(
            {
                "now_ns": now_ns,
                "row": connector.row,
                "balances": balances,
                "slots": self._slots,
                "decision": copy.deepcopy(quoting.decision),
                "decided": quoting.decided,
                "core": {name: quoting.core[name] for name in CORE_FIELDS},
                "actions": controller._actions,
                "reference_price": str(controller.processed_data["reference_price"]),
                "spread_multiplier": str(controller.processed_data["spread_multiplier"]),
            }
        )


async def run_case(case: dict[str, Any], market: list[dict[str, Any]]) -> dict[str, Any]:
    """Run one case on a market and return its samples and what happened at the venue."""
    connector = RecordedVenue(case["pair"], case["rule"], case["balances"], case["fill_in_parts"])
    connector.row = -1
    config = StrategyV2ConfigBase(script_file_name="drive.py", controllers_config=[case["config"]])
    Strategy.markets = {connector.name: {case["pair"]}}
    show(connector, market, 0)
    strategy = Strategy({connector.name: connector}, config)
    (controller,) = strategy.controllers.values()  # else its configuration was refused, and the log says why
    watch = Watch(controller)
    updates = {update["row"]: update for update in case["updates"]}
    with Clock(ClockMode.BACKTEST, 1.0, START, START + market[-1]["at"] + 60) as clock:
        clock.add_iterator(connector)
        clock.add_iterator(strategy)
        for i, row in enumerate(market[1:], start=1):
            await asyncio.sleep(row["at"] - asyncio.get_running_loop().time())
            apply_update(updates.get(i), case, connector)
            show(connector, market, i)
            if row["at"] == int(row["at"]):
                clock.backtest_til(START + row["at"])
        status = strategy.format_status()
        await strategy.on_stop()
    return {
        "name": case["name"],
        "samples": watch.samples,
        "wanted": watch.wanted,
        "placed": connector.placed,
        "fills": connector.fills,
        "most_at_once": connector.most_at_once,
        "fields": sorted(type(controller.config).model_fields),
        "status": status,
    }


def show(connector: RecordedVenue, market: list[dict[str, Any]], i: int) -> None:
    """Show the connector a row of the market."""
    connector.show(market[i])
    connector.row = i


def apply_update(update: dict[str, Any] | None, case: dict[str, Any], connector: RecordedVenue) -> None:
    """Replace the configuration, or move money, as the case says."""
    if update is None:
        return
    for asset, amount in update.get("moved", {}).items():
        connector.move(asset, amount)
    if "config" in update:
        place = settings.CONTROLLERS_CONF_DIR_PATH / case["config"]
        draft = place.with_suffix(".draft")
        draft.write_text(Path(update["config"]).read_text())
        draft.replace(place)


async def end_tasks() -> None:
    """End what a case leaves running."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def finite(value: Any) -> Any:
    """Return a value as JSON has it: nan is null."""
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def main(cases: Path, out: Path) -> None:
    """Run every case on a loop of its own."""
    logging.basicConfig(level=logging.ERROR)
    settings.CONTROLLERS_CONF_DIR_PATH = Path.cwd() / "conf" / "controllers"
    strategy_v2_base.MarketDataProvider = RecordedProvider
    MarketsRecorder._shared_instance = NoDatabase()
    with out.open("w") as file:
        for case in json.loads(cases.read_text()):
            market = json.loads(Path(case["market"]).read_text())
            loop = JumpingLoop()
            asyncio.set_event_loop(loop)
            file.write(json.dumps(finite(loop.run_until_complete(run_case(case, market)))) + "\n")
            loop.run_until_complete(end_tasks())
            loop.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
