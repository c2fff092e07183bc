"""Seeded streams of events for the kernel's step and for the exported module's: both must say the same at each.

`python -m tests.unit.hummingbot_streams` compares every combination of policies; with NUMBA_DISABLE_JIT=1 in a minute.
"""

import math
import sys
from collections.abc import Iterator
from itertools import product
from random import Random
from types import ModuleType
from typing import Any, Final, NamedTuple

from analytics.export.hummingbot.fields import config_fields
from analytics.export.hummingbot.strategy_module import strategy_source
from strategy.kernel import jit
from strategy.kernel.records import (
    ACK,
    BALANCE,
    BOOK,
    CANCEL,
    CANCELLED,
    FILL,
    FRESH,
    GAP,
    PARAMETERS,
    PLACE,
    TIMER,
    TRADE,
)
from strategy.policies.document import ParameterDocument
from strategy.policies.packing import pack_parameters
from strategy.policies.parameters import ParameterSet
from strategy.policies.registry import built_in
from strategy.policies.stepper import Stepper, new_event
from tests.unit.kernel_samples import BTC, SECOND, START, parameter_set

MID: Final = 6_000_000
BASE, QUOTE = 300.0, 2.5e9  # lots and atoms: three orders of each, so that holdings come short
PHASES: Final = (6e-5, 5e-6, 3e-5, 2e-4)  # of the market: deviation of a book's mid from the one before, in turn
REGIMES: Final = {"low_threshold": 2e-5, "medium_threshold": 5e-5, "high_threshold": 9e-5}
ENGINES: Final[dict[str, dict[str, Any]]] = {
    "rolling_std": {"vol_window_seconds": 20.0},
    "bar_std": {"bar_seconds": 2.0, "bar_periods": 5},
    "ewma": {"half_life_seconds": 5.0, "min_samples": 5},
    "garch": {"omega": 1e-10, "min_samples": 5},
}
SPREADS: Final[dict[str, dict[str, Any]]] = {
    "linear": {"spread_curve_points": [[1e-5, 1.5], [4e-5, 3.0], [8e-5, 9.0]]},
    "pchip": {"spread_curve_points": [[1e-5, 1.5], [4e-5, 3.0], [8e-5, 9.0], [2e-4, 11.0]]},
    "sigmoid": {"sigmoid_mid": 5e-5, "sigmoid_k": 40_000.0},
    "range": {"min_spread": 2.0, "max_spread": 12.0, "vol_low": 2e-5, "vol_high": 2e-4},
}
SIGNALS: Final = [
    {"policy": "trend", "bar_seconds": 1.0, "fast_periods": 3, "slow_periods": 8, "threshold": 1e-5},
    {"policy": "imbalance", "source": "band", "imbalance_bps": 2.0},
    {"policy": "trade_burst", "mean_seconds": 10, "burst_ratio": 1.2, "burst_min_trades": 2},
]
EXPORTED: Final[dict[tuple[str, ...], ModuleType]] = {}  # by the plug-ins in it


def sample_set(engine: str, spread: str, inventory: str, signals: bool = True, **groups: Any) -> ParameterSet:
    """Return a set of these policies in which every rule of quoting and risk comes to act on the stream."""
    quoting = {
        "executor_refresh_time": 3.0, "cooldown_time": 1.0, "requote_tolerance_bps": 3.0, "max_concurrent_buys": 2,
        "vol_size_ref": 4e-5, "buy_spreads": [1, 2.5], "sell_spreads": [1, 2, 3],
    }  # fmt: skip
    risk = {"panic_threshold": 2.5e-4, "lockout_seconds": 1.0, "depth_band_bps": 2.0, "min_depth_base": 0.0004}
    volatility = {"policy": engine, "vol_sampling_interval": 0.5, **ENGINES[engine]}
    given: dict[str, Any] = {"volatility": volatility, "quoting": quoting, "risk": risk, "regimes": REGIMES}
    if signals:
        given["signals"] = SIGNALS
    return parameter_set(inventory, {"policy": spread, **SPREADS.get(spread, {})}, **(given | groups))


def exported(parameters: ParameterSet) -> ModuleType:
    """Return the module that an export of the set holds: the same for all sets of the rooms' own policies."""
    foreign = tuple(each.name for each, _ in parameters.chosen() if each.name not in built_in(each.kind))
    if foreign not in EXPORTED:
        EXPORTED[foreign] = _exported(parameters)
    return EXPORTED[foreign]


def _exported(parameters: ParameterSet) -> ModuleType:
    places = [("analytics.export.hummingbot.quoting", name) for name in ("Quoting", "checked", "KERNEL_DIGEST")]
    module = ModuleType("micro_vol_strategy")
    exec(compile(strategy_source(parameters, places), "micro_vol_strategy.py", "exec"), module.__dict__)
    return module


def records(parameters: ParameterSet) -> dict[str, Any]:
    """Return a set as the exported configuration holds it, completed by what has fields of Hummingbot's there."""
    document = ParameterDocument(version=1, instrument=BTC, parameters=parameters, kernel_digest=jit.KERNEL_DIGEST)
    groups = config_fields(document, "binance")["strategy"]
    packed = pack_parameters(parameters, BTC)
    for group in ("quoting", "barriers"):
        record = getattr(packed, group)
        groups[group] = {name: record[name][0].tolist() for name in record.dtype.names or ()}
    return dict(groups)


class Venue:
    """Makes up a market and what becomes of the orders; the same for the same seed and the same actions."""

    def __init__(self, seed: int) -> None:
        """Start with nothing open."""
        self._rng = Random(seed)
        self._mid = float(MID)
        self._news: list[tuple[int, dict[str, float]]] = []
        self._first = True
        self._books = 0

    def next_event(self) -> tuple[int, float, dict[str, float]]:
        """Return an event's kind, the seconds since the last, and its fields."""
        rng = self._rng
        if self._news and rng.random() < 0.6:
            kind, fields = self._news.pop(0)
            return kind, 0.001, fields
        drawn = rng.random()
        if drawn < 0.002:
            self._first = True
            return GAP, 0.1, {}
        if drawn < 0.02:
            return BALANCE, 0.0, {"base_lots": rng.uniform(0, 900), "quote_atoms": rng.uniform(0, 6e9)}
        if drawn < 0.2:
            side = rng.choice((1, -1))
            return TRADE, 0.05, {"side": side, "price_ticks": round(self._mid), "qty_lots": rng.randint(1, 50)}
        if drawn < 0.25:
            return TIMER, rng.choice((0.2, 7.0)), {}
        return BOOK, rng.choice((0.01, 0.2, 0.7)), self._book()

    def take(self, actions: list[Any]) -> None:
        """Queue what the venue answers."""
        for action in actions:
            order = {"order_id": int(action["order_id"])}
            if action["kind"] == CANCEL:
                self._news.append((CANCELLED, order))
                continue
            lots, price = int(action["qty_lots"]), int(action["price_ticks"])
            fill = order | {"side": int(action["side"]), "price_ticks": price}
            self._news.append((ACK, order))
            if action["kind"] != PLACE:
                self._news.append((FILL, fill | {"qty_lots": lots, "leaves_lots": 0}))
            elif self._rng.random() < 0.3:
                part = lots if self._rng.random() < 0.5 else max(lots // 2, 1)
                self._news.append((FILL, fill | {"qty_lots": part, "leaves_lots": lots - part}))

    def _book(self) -> dict[str, float]:
        rng, first = self._rng, self._first
        self._first = False
        self._books += 1
        self._mid *= 1.0 + rng.gauss(0.0, PHASES[self._books // 200 % len(PHASES)])
        bid = round(self._mid) - rng.randint(1, 30)
        crossed = rng.random() < 0.01
        ask = bid - 1 if crossed else bid + rng.randint(1, 60)
        sizes = {name: rng.randint(1, 100) for name in ("bid_lots", "ask_lots", "bid_depth_lots", "ask_depth_lots")}
        return {"bid_ticks": bid, "ask_ticks": ask, "flag": FRESH if first else 0, **sizes}


class Compared(NamedTuple):
    """Where module and kernel first differ, empty when nowhere; the regimes and kinds of action on the way."""

    difference: str
    regimes: frozenset[int]
    kinds: frozenset[int]


def compared(parameters: ParameterSet, events: int, seed: int = 1, then: ParameterSet | None = None) -> Compared:
    """Feed a stream to the exported module and to the kernel; halfway both go on with the set `then`."""
    regimes, kinds = set(), set()
    for difference, regime, actions in _compare(parameters, events, seed, then):
        regimes.add(regime)
        kinds |= {action["kind"] for action in actions}
        if difference:
            return Compared(difference, frozenset(regimes), frozenset(kinds))
    return Compared("", frozenset(regimes), frozenset(kinds))


def _compare(
    parameters: ParameterSet, events: int, seed: int, then: ParameterSet | None
) -> Iterator[tuple[str, int, list[Any]]]:
    """Yield the difference, the regime and the actions of every event."""
    stepper = Stepper(parameters, BTC, BASE, QUOTE, 1)
    quoting = exported(parameters).Quoting(records(parameters))
    quoting.core.update(base_lots=BASE, quote_atoms=QUOTE, version=1)
    venue, now = Venue(seed), START
    for i in range(events):
        if i == events // 2 and then is not None:
            stepper.swap(then, 2)
            count = stepper.feed(new_event(PARAMETERS, local_ts=now, exch_ts=now, code=2))
            theirs = quoting.swap(records(then), 2, now)
        else:
            kind, after_s, fields = venue.next_event()
            now += round(after_s * SECOND)
            count = stepper.feed(new_event(kind, seq=i, local_ts=now, exch_ts=now, **fields))
            theirs = quoting.feed(kind, now, seq=i, **fields)
        actions = [plain(each) for each in stepper.actions[:count]]
        yield _difference(i, stepper, quoting, actions, theirs), int(stepper._state.core[0]["regime"]), actions
        venue.take(actions)


def _difference(i: int, stepper: Stepper, quoting: Any, actions: list[Any], theirs: list[Any]) -> str:
    if actions != theirs:
        return f"event {i}: actions {actions} are not {theirs}"
    if stepper.decided != quoting.decided:
        return f"event {i}: decided {stepper.decided} is not {quoting.decided}"
    if stepper.decided and not same(plain(stepper.decision), quoting.decision):
        return f"event {i}: {plain(stepper.decision)} is not {quoting.decision}"
    return ""


def plain(record: Any) -> dict[str, Any]:
    """Return a record as plain values."""
    return {name: record[name].tolist() for name in record.dtype.names}


def same(left: Any, right: Any) -> bool:
    """Return whether two plain values are equal to the last bit, nan included."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    if isinstance(left, float) and math.isnan(left):
        return math.isnan(right)
    return bool(left == right)


def main() -> int:
    """Compare every combination of spread and inventory policy, the engines in turn; return how many differ."""
    engines, wrong = sorted(built_in("volatility")), []
    for i, (spread, inventory) in enumerate(product(sorted(built_in("spreads")), sorted(built_in("inventory")))):
        names = (engines[(i + i // 4) % len(engines)], spread, inventory)
        wrong.append(_told(" / ".join(names), compared(sample_set(*names), 400, seed=i)))
    first, then = sample_set("ewma", "linear", "skewed"), sample_set("bar_std", "glft", "balanced", signals=False)
    wrong.append(_told("swap", compared(first, 600, then=then)))
    barriers = {"take_profit": 0.0003, "stop_loss": 0.0006, "time_limit": 8.0}
    wrong.append(_told("barriers", compared(sample_set("ewma", "linear", "neutral", barriers=barriers), 600)))
    return sum(wrong)


def _told(title: str, found: Compared) -> bool:
    """Print a comparison in a line; return whether there is a difference."""
    sys.stdout.write(f"{title}: {found.difference or 'equal'}\n")
    return found.difference != ""


if __name__ == "__main__":
    sys.exit(main())
