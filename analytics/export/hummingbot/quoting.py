"""The strategy of one market without compiler and NumPy: events in, wanted quotes and actions out.

A template of `analytics.export.hummingbot.bundle`: flattened together with the kernel and the policies it becomes the
module that a Hummingbot controller imports.
"""

import copy
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from analytics.export.hummingbot.prototypes import (
    ACTION,
    CONTEXT,
    CORE,
    DECISION,
    EVENT,
    HELD,
    INVENTORY,
    SECTIONS,
    SIGNAL,
    SLOT,
    SPREAD,
)
from analytics.export.hummingbot.seams import POLICIES
from strategy.kernel.records import BUY, MAX_LEVELS, PARAMETERS, REASON_NAMES, REGIME_NAMES, SELL
from strategy.kernel.state import ENTRIES, EXITS, RATE_CAPACITY, RING_CAPACITY, SLOTS, Out, Params, State
from strategy.kernel.step import step

KERNEL_DIGEST: Final = ""  # of the sources that this file was made from
GROUPS: Final = {"volatility": "volatility", "spread": "spreads", "inventory": "inventory"}  # kind by group


class Ring:
    """The memory of a volatility window: as many rows as the kernel's, made as they are written."""

    def __init__(self) -> None:
        """Start empty."""
        self._rows: dict[tuple[int, int], float] = {}

    def __len__(self) -> int:
        """Return how many rows there may be."""
        return RING_CAPACITY

    def __getitem__(self, place: tuple[int, int]) -> float:
        """Return what was written at a row and column."""
        return self._rows[place]

    def __setitem__(self, place: tuple[int, int], value: float) -> None:
        """Write a number at a row and column."""
        self._rows[place] = value


class Quoting:
    """One strategy: parameters, state and the step. Results of a `feed` stay valid until the next: `decision`."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        """Start with these parameters, no holdings, no book and no orders."""
        self.parameters = checked(parameters)
        self.state = fresh_state(self.parameters)
        self._params = packed(self.parameters)
        self._out = new_out()

    @property
    def core(self) -> dict[str, Any]:
        """Return what the strategy knows of market, account and itself."""
        record: dict[str, Any] = self.state.core[0]
        return record

    @property
    def slots(self) -> list[dict[str, Any]]:
        """Return the records of what may rest at the venue: bids by level, then asks; then those that close."""
        records: list[dict[str, Any]] = self.state.slots
        return records

    @property
    def tick_size(self) -> Decimal:
        """Return the quote units of a tick."""
        return Decimal(str(self.parameters["instrument"]["tick_size"]))

    @property
    def lot_size(self) -> Decimal:
        """Return the base units of a lot."""
        return Decimal(str(self.parameters["instrument"]["lot_size"]))

    @property
    def decision(self) -> dict[str, Any]:
        """Return the last decision: regime, sides, wanted quotes."""
        record: dict[str, Any] = self._out.decision[0]
        return record

    @property
    def decided(self) -> bool:
        """Return whether the last `feed` made a decision."""
        return bool(self._out.decided[0])

    @property
    def regime(self) -> str:
        """Return sigma's regime."""
        return str(REGIME_NAMES[self.core["regime"]])

    @property
    def reasons(self) -> list[str]:
        """Return why the last decision does not quote everything, as words."""
        return [name for bit, name in REASON_NAMES.items() if self.core["told_reasons"] & bit]

    def feed(self, kind: int, now_ns: int, **fields: float) -> list[dict[str, Any]]:
        """Take one event and return copies of the actions it leads to."""
        event = {**EVENT, **fields, "kind": kind, "local_ts": now_ns, "exch_ts": now_ns}
        count = step(self.state, self._params, event, self._out)
        return [dict(action) for action in self._out.actions[:count]]

    def swap(self, parameters: Mapping[str, Any], version: int, now_ns: int) -> list[dict[str, Any]]:
        """Use other parameters from now on; windows stay where their policy and its parameters do."""
        wanted = checked(parameters)
        if wanted["volatility"] != self.parameters["volatility"] or cadence(wanted) != cadence(self.parameters):
            fresh = fresh_state(wanted)
            self.state = self.state._replace(volatility=fresh.volatility, ring=fresh.ring)
            self.core.update(sigma=math.nan, no_difference=1, next_sample_ns=0)
        if wanted["signals"] != self.parameters["signals"]:
            self.state = self.state._replace(signals=fresh_state(wanted).signals)
        self.parameters, self._params = wanted, packed(wanted)
        return self.feed(PARAMETERS, now_ns, code=version)


def cadence(parameters: Mapping[str, Any]) -> int:
    """Return the sampling clock's interval (ns), which is a part of what sigma means."""
    return int(parameters["quoting"]["sampling_ns"])


def fresh_state(parameters: Mapping[str, Any]) -> Any:
    """Return the state before the first event."""
    core = copy.deepcopy(CORE) | {"need_fresh": 1, "no_difference": 1, "next_order_id": 1, "told_reasons": -1}
    core |= dict.fromkeys(("sigma", "mid_ticks", "reference_ticks", "day_equity", "peak_equity"), math.nan)
    volatility = POLICIES["volatility"][parameters["volatility"]["policy"]]
    signals = [POLICIES["signals"][each["policy"]] for each in parameters["signals"]]
    named: Any = State
    return named(
        core=[core],
        slots=[new_slot(i) for i in range(SLOTS)],
        held=[dict(HELD) for _ in range(ENTRIES)],
        sent=[0] * RATE_CAPACITY,
        context=[dict(CONTEXT)],
        signal=[dict(SIGNAL)],
        spread=[dict(SPREAD)],
        inventory=[dict(INVENTORY)],
        volatility=[copy.deepcopy(volatility.state)],
        ring=Ring(),
        signals=tuple([copy.deepcopy(each.state)] for each in signals),
    )


def new_slot(i: int) -> dict[str, Any]:
    """Return the `i`-th slot, free: its side and level are its place."""
    if i == EXITS:
        return dict(SLOT)
    entry = BUY if i % ENTRIES < MAX_LEVELS else SELL
    return SLOT | {"side": entry if i < ENTRIES else -entry, "level": i % MAX_LEVELS}


def new_out() -> Any:
    """Return room for the results of a step."""
    actions = [dict(ACTION) for _ in range(SLOTS)]
    named: Any = Out
    return named(actions=actions, used=[0], decision=[copy.deepcopy(DECISION)], decided=[0], recording=[1])


def packed(parameters: Mapping[str, Any]) -> Any:
    """Return parameters as the step reads them: one record each."""
    records = {name: [value] for name, value in parameters.items() if name != "signals"}
    named: Any = Params
    return named(**records, signals=tuple([each] for each in parameters["signals"]))


def checked(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy with every field there and lists at full length; a fault is a ValueError that names it."""
    known = {*SECTIONS, *GROUPS, "signals"}
    if set(parameters) != known:
        wrong = sorted(known.symmetric_difference(parameters))
        raise ValueError(f"parameters are missing, or unknown: {', '.join(map(str, wrong))}")
    found = {name: record_of(name, parameters[name], SECTIONS[name]) for name in SECTIONS}
    for group, kind in GROUPS.items():
        found[group] = policy_of(group, kind, parameters[group])
    signals = [policy_of(f"signals[{i}]", "signals", each) for i, each in enumerate(parameters["signals"])]
    return {**found, "signals": signals}


def policy_of(group: str, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy's record, its name beside its fields."""
    fields = dict(given)
    name = fields.pop("policy", None)
    if name not in POLICIES[kind]:
        raise ValueError(f"{group}.policy was {name!r}, known are {', '.join(sorted(POLICIES[kind]))}")
    return {"policy": name, **record_of(group, fields, POLICIES[kind][name].record)}


def record_of(group: str, given: Mapping[str, Any], prototype: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the fields of its prototype, lists filled up with zeros."""
    if set(given) != set(prototype):
        wrong = sorted(set(prototype).symmetric_difference(given))
        raise ValueError(f"{group} has missing or unknown fields: {', '.join(map(str, wrong))}")
    return {name: value_of(f"{group}.{name}", given[name], zero) for name, zero in prototype.items()}


def value_of(name: str, given: Any, zero: Any) -> Any:
    """Return a number, whole where the kernel's is, or a list of them at full length."""
    if isinstance(zero, list):
        if not isinstance(given, list | tuple) or len(given) > len(zero):
            raise ValueError(f"{name} was {given!r}, it must be a list of at most {len(zero)} numbers")
        return [value_of(name, each, zero[0]) for each in given] + zero[len(given) :]
    if not isinstance(given, int | float) or math.isnan(given):
        raise ValueError(f"{name} was {given!r}, it must be a number")
    if isinstance(zero, int) and (math.isinf(given) or given != int(given)):
        raise ValueError(f"{name} was {given!r}, it must be a whole number")
    return int(given) if isinstance(zero, int) else float(given)
