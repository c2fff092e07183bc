"""A parameter set and an instrument in the kernel's units and records."""

import math
from decimal import ROUND_CEILING, Decimal
from functools import cache
from typing import Any, Final

import numpy as np

from strategy.kernel.records import BARRIERS, INSTRUMENT, MAX_LEVELS, QUOTING, REGIMES, RISK
from strategy.kernel.state import Params, Records
from strategy.policies.document import Instrument
from strategy.policies.parameters import ParameterSet
from strategy.policies.registry import EngineParameters, Policy, PolicyParameters
from strategy.policies.sections import REGIME_SPREADS, THRESHOLDS

NS: Final = 1_000_000_000


def pack_parameters(parameters: ParameterSet, instrument: Instrument) -> Params:
    """Return the kernel's records of a parameter set for one instrument."""
    volatility, engine = parameters.policy_of("volatility")
    assert isinstance(engine, EngineParameters)
    return Params(
        quoting=_quoting(parameters, instrument, engine),
        regimes=_regimes(parameters),
        barriers=_barriers(parameters),
        risk=_risk(parameters, instrument),
        instrument=_instrument(instrument),
        volatility=_policy(volatility, engine),
        spread=_policy(*parameters.policy_of("spread")),
        inventory=_policy(*parameters.policy_of("inventory")),
        signals=tuple(_policy(*each) for each in parameters.signal_policies()),
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
    return _record_of(instrument).copy()


@cache
def _record_of(instrument: Instrument) -> Records:
    record = np.zeros(1, INSTRUMENT)
    least = (Decimal(instrument.min_qty) / Decimal(instrument.lot_size)).to_integral_value(ROUND_CEILING)
    record["tick_size"] = float(instrument.tick_size)
    record["lot_size"] = float(instrument.lot_size)
    record["min_qty_lots"] = int(least)
    record["min_notional_atoms"] = float(Decimal(instrument.min_notional) / atom_size(instrument))
    return record


def _regimes(parameters: ParameterSet) -> Records:
    record, regimes = np.zeros(1, REGIMES), parameters.regimes
    for name, value in zip(THRESHOLDS, regimes.thresholds, strict=True):
        record[name] = value
    for name in REGIME_SPREADS:
        record[name] = getattr(regimes, name)
    return record


def _quoting(parameters: ParameterSet, instrument: Instrument, engine: EngineParameters) -> Records:
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
    record["requote_tolerance_bps"] = _or_never(quoting.requote_tolerance_bps)
    record["max_concurrent_buys"] = quoting.max_concurrent_buys or MAX_LEVELS
    record["vol_size_ref"] = _or_never(quoting.vol_size_ref)
    record["vol_size_min"] = quoting.vol_size_min
    record["rebalance_threshold"] = _or_never(quoting.position_rebalance_threshold_pct)
    record["sampling_ns"] = round(engine.vol_sampling_interval * NS)
    record["sample_s"] = engine.sample_seconds() or 0.0
    record["sigma_absolute"] = engine.absolute()
    return record


def _barriers(parameters: ParameterSet) -> Records:
    record, barriers = np.zeros(1, BARRIERS), parameters.barriers
    record["enabled"] = any(value is not None for value in barriers.model_dump().values())
    record["take_profit"] = _or_never(barriers.take_profit)
    record["stop_loss"] = _or_never(barriers.stop_loss)
    record["time_limit_ns"] = round((barriers.time_limit or 0.0) * NS)
    record["trailing_activation"] = _or_never(barriers.trailing_stop_activation)
    record["trailing_delta"] = _or_never(barriers.trailing_stop_delta)
    return record


def _risk(parameters: ParameterSet, instrument: Instrument) -> Records:
    record, risk = np.zeros(1, RISK), parameters.risk
    record["lockout_ns"] = round(risk.lockout_seconds * NS)
    record["lockout_cancels"] = risk.lockout_cancels
    record["panic_threshold"] = _or_never(risk.panic_threshold)
    record["panic_resume_samples"] = risk.panic_resume_samples
    record["panic_kill_ns"] = round((risk.panic_kill_seconds or 0.0) * NS)
    loss = risk.max_daily_loss_quote
    record["max_daily_loss_atoms"] = math.inf if loss is None else atoms_of(loss, instrument)
    record["max_drawdown"] = _or_never(risk.max_drawdown_pct)
    record["min_depth_lots"] = lots_of(risk.min_depth_base, instrument)
    record["stale_ns"] = round((risk.stale_after_seconds or 0.0) * NS)
    record["collar_bps"] = _or_never(risk.collar_bps)
    record["orders_per_second"] = risk.max_orders_per_second or 0
    record["orders_per_day"] = risk.max_orders_per_day or 0
    return record


def _or_never(value: float | None) -> float:
    """Return a limit, or one that is never reached."""
    return math.inf if value is None else value


def _policy(chosen: Policy, fields: PolicyParameters) -> Records:
    record: np.ndarray[Any, Any] = np.zeros(1, chosen.record)
    chosen.pack(fields, record[0])
    return record
