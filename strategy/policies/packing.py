"""A parameter set and an instrument in the kernel's units and records."""

from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

import numpy as np

from strategy.kernel.records import INSTRUMENT, QUOTING, REGIMES
from strategy.kernel.state import Params, Records
from strategy.policies.document import Instrument
from strategy.policies.parameters import ParameterSet

NS: Final = 1_000_000_000


def pack_parameters(parameters: ParameterSet, instrument: Instrument) -> Params:
    """Return the kernel's records of a parameter set for one instrument."""
    return Params(
        quoting=_quoting(parameters, instrument),
        regimes=_regimes(parameters),
        instrument=_instrument(instrument),
        volatility=_policy(parameters, "volatility"),
        spread=_policy(parameters, "spread"),
        inventory=_policy(parameters, "inventory"),
    )


def lots_of(base: float, instrument: Instrument) -> float:
    """Return base units as lots, exact for a decimal number of them."""
    return float(Decimal(repr(base)) / Decimal(instrument.lot_size))


def atoms_of(quote: float, instrument: Instrument) -> float:
    """Return quote units as atoms (one tick times one lot)."""
    return float(Decimal(repr(quote)) / atom_size(instrument))


def atom_size(instrument: Instrument) -> Decimal:
    """Return the quote units of one atom."""
    return Decimal(instrument.tick_size) * Decimal(instrument.lot_size)


def _instrument(instrument: Instrument) -> Records:
    record = np.zeros(1, INSTRUMENT)
    least = (Decimal(instrument.min_qty) / Decimal(instrument.lot_size)).to_integral_value(ROUND_CEILING)
    record["tick_size"] = float(instrument.tick_size)
    record["lot_size"] = float(instrument.lot_size)
    record["min_qty_lots"] = int(least)
    record["min_notional_atoms"] = float(Decimal(instrument.min_notional) / atom_size(instrument))
    return record


def _regimes(parameters: ParameterSet) -> Records:
    record = np.zeros(1, REGIMES)
    for name, value in parameters.regimes.model_dump().items():
        record[name] = value
    return record


def _quoting(parameters: ParameterSet, instrument: Instrument) -> Records:
    record, quoting = np.zeros(1, QUOTING), parameters.quoting
    fallback = quoting.fallback_spread_bps
    record["order_lots"] = lots_of(quoting.order_qty, instrument)
    record["buy_levels"] = len(quoting.buy_spreads)
    record["sell_levels"] = len(quoting.sell_spreads)
    record["buy_spreads"][0, : len(quoting.buy_spreads)] = quoting.buy_spreads
    record["sell_spreads"][0, : len(quoting.sell_spreads)] = quoting.sell_spreads
    record["spread_floor_bps"] = quoting.spread_floor_bps
    record["spread_cap_bps"] = quoting.spread_cap_bps
    record["fallback_spread_bps"] = parameters.regimes.spread_medium if fallback is None else fallback
    record["refresh_ns"] = round(quoting.executor_refresh_time * NS)
    record["cooldown_ns"] = round(quoting.cooldown_time * NS)
    record["min_update_ns"] = round(quoting.min_update_interval * NS)
    record["drop_on_cross"] = quoting.on_cross == "drop"
    return record


def _policy(parameters: ParameterSet, group: str) -> Records:
    policy, fields = parameters.policy_of(group)
    record: np.ndarray[Any, Any] = np.zeros(1, policy.record)
    policy.pack(fields, record[0])
    return record
