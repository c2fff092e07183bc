"""What a process that knows the plug-ins by its environment alone does with them: kernel, then replay, as JSON."""

import json
from typing import Any

import numpy as np

from strategy.kernel.records import BUY, TRADE
from strategy.policies.parameters import parse_parameters
from strategy.policies.stepper import Stepper
from strategy.replay.driver import ReplayConfig, instrument_of, replay
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.unit.kernel_samples import Hand

PARAMETERS = {
    "volatility": {"policy": "rolling_std", "min_samples": 5},
    "spread": {"policy": "proportional", "sigmas": 3.0},
    "inventory": {"policy": "neutral"},
    "signals": [{"policy": "last_trade", "follow_bps": 2.0}, {"policy": "imbalance"}],
    "quoting": {"spread_floor_bps": 0.1, "executor_refresh_time": 3.0},
}
ACCOUNT = ReplayConfig(base=0.01, quote=2_000.0, record_decisions=True, record_events=True)


def decided(decision: Any) -> list[float]:
    """Return what the plug-ins decided: sigma, both widths, and how far the reference price lies from mid."""
    names = ("sigma", "bid_bps", "ask_bps")
    shift = float(decision["reference_ticks"] / decision["mid_ticks"] - 1.0) * 1e4
    return [*(float(decision[name]) for name in names), shift]


def by_hand() -> list[float]:
    """Feed a market that moves, then one buyer, and return the last decision."""
    hand = Hand(parse_parameters(PARAMETERS))
    for i in range(20):
        hand.ack_all(hand.book(5_999_000 + 900 * (i % 3), 6_001_000 + 900 * (i % 3), fresh=i == 0))
    hand.feed(TRADE, 0.1, side=BUY, price_ticks=6_001_000, qty_lots=1)
    hand.book(5_999_000, 6_001_000, after_s=3.0)
    return decided(hand.stepper.decision)


def same(one: Any, other: Any) -> bool:
    """Return whether two tables agree in every field of every row; nan is nan."""
    floats = (name for name in one.dtype.names if one.dtype[name].base.kind == "f")
    whole = (name for name in one.dtype.names if one.dtype[name].base.kind != "f")
    equal = all(np.array_equal(one[name], other[name]) for name in whole)
    return equal and all(np.array_equal(one[name], other[name], equal_nan=True) for name in floats)


def in_replay() -> dict[str, Any]:
    """Replay a synthetic market; feed its events to the live stepper too and say whether every decision agrees."""
    tape, info = synthetic_tape(SyntheticMarket(updates=1_500, seed=5, volatility_ticks=300.0))
    parameters = parse_parameters(PARAMETERS)
    result = replay(tape, info, parameters, ACCOUNT)
    stepper = Stepper(parameters, instrument_of(info), result.start_base_lots, result.start_quote_atoms, 0)
    seen = []
    for event in result.events:
        stepper.feed(event)
        if stepper.decided:
            seen.append(stepper.decision.copy())
    return {
        "fills": len(result.fills),
        "decisions": len(seen),
        "agree": same(np.array(seen), result.decisions),
        "last": decided(seen[-1]),
    }


if __name__ == "__main__":
    print(json.dumps({"hand": by_hand(), "replay": in_replay()}))  # noqa: T201
