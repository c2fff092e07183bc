"""A version in the fields of the exported controller's configuration file.

What Hummingbot has a field for stands there, in its units; the rest is the kernel's own records, in `strategy`.
"""

import math
from typing import Any, Final

from strategy.errors import BadInput
from strategy.kernel import jit
from strategy.kernel.state import Params, Records
from strategy.policies.document import Instrument, ParameterDocument
from strategy.policies.packing import pack_parameters
from strategy.policies.parameters import GROUPS, ParameterSet
from strategy.policies.sections import Barriers

CONTROLLER: Final = "micro_vol"  # the module's name, and what its files' names begin with
# Of `quoting`, what the file says in Hummingbot's own fields.
STANDARD: Final = (
    "buy_levels", "sell_levels", "buy_spreads", "sell_spreads", "refresh_ns", "cooldown_ns", "rebalance_threshold"
)  # fmt: skip
SLOWEST_S: Final = 1.0  # between two looks at the book
QUICKEST_S: Final = 0.1


def config_fields(document: ParameterDocument, connector: str) -> dict[str, Any]:
    """Return every field of the configuration, in the order of the file."""
    parameters, instrument = document.parameters, document.instrument
    if ":" in instrument.symbol:
        raise BadInput(f"symbol was {instrument.symbol}, the Hummingbot controller is for spot markets: BASE/QUOTE")
    quoting, threshold = parameters.quoting, parameters.quoting.position_rebalance_threshold_pct
    return {
        "id": f"{CONTROLLER}_{instrument.slug}",
        "controller_name": CONTROLLER,
        "controller_type": "market_making",
        "total_amount_quote": 100,
        "manual_kill_switch": False,
        "initial_positions": [],
        "connector_name": connector,
        "trading_pair": instrument.slug,
        "buy_spreads": list(quoting.buy_spreads),
        "sell_spreads": list(quoting.sell_spreads),
        "buy_amounts_pct": [1] * len(quoting.buy_spreads),
        "sell_amounts_pct": [1] * len(quoting.sell_spreads),
        "executor_refresh_time": quoting.executor_refresh_time,
        "cooldown_time": quoting.cooldown_time,
        "leverage": 1,
        "position_mode": "ONEWAY",
        **_barriers(parameters.barriers),
        "position_rebalance_threshold_pct": 0 if threshold is None else threshold,
        "skip_rebalance": threshold is None,
        "version": document.version,
        "content_hash": document.content_hash,
        "kernel_digest": jit.KERNEL_DIGEST,
        "update_interval": look_seconds(parameters),
        "depth_band_bps": parameters.risk.depth_band_bps if parameters.needs_depth else None,
        "strategy": strategy_records(parameters, instrument),
    }


def look_seconds(parameters: ParameterSet) -> float:
    """Return how often the controller looks at the book: as often as sigma samples it, within bounds."""
    return min(max(parameters.engine.vol_sampling_interval, QUICKEST_S), SLOWEST_S)


def notes_on(document: ParameterDocument) -> list[str]:
    """Return what a person should know of a version in Hummingbot that its own page does not say."""
    notes, parameters = [], document.parameters
    if document.kernel_digest != jit.KERNEL_DIGEST:
        notes.append(
            f"it was calibrated with kernel {document.kernel_digest[:12]}, the files are of {jit.KERNEL_DIGEST[:12]}"
        )
    if parameters.engine.sample_seconds() is None:
        notes.append(
            f"volatility.vol_sampling_interval is 0: sigma is per update of the book, and Hummingbot looks at it every "
            f"{look_seconds(parameters)} s; calibrate with a sampling clock"
        )
    return notes


def _barriers(barriers: Barriers) -> dict[str, Any]:
    """Return the triple barrier in Hummingbot's fields; its time limit is in whole seconds, so it is rounded up."""
    trailing = None
    if barriers.trailing_stop_activation is not None:
        trailing = {
            "activation_price": barriers.trailing_stop_activation,
            "trailing_delta": barriers.trailing_stop_delta,
        }
    return {
        "stop_loss": barriers.stop_loss,
        "take_profit": barriers.take_profit,
        "time_limit": None if barriers.time_limit is None else math.ceil(barriers.time_limit),
        "take_profit_order_type": "LIMIT_MAKER",
        "trailing_stop": trailing,
    }


def strategy_records(parameters: ParameterSet, instrument: Instrument) -> dict[str, Any]:
    """Return the kernel's records by group, without what has a field of Hummingbot's."""
    packed = pack_parameters(parameters, instrument)
    names = [name for name in Params._fields if name not in ("signals", "barriers")]
    groups: dict[str, Any] = {name: plain(getattr(packed, name)) for name in names}
    for name in STANDARD:
        del groups["quoting"][name]
    for group in GROUPS:
        groups[group] = {"policy": getattr(parameters, group)["policy"], **groups[group]}
    signals = zip(parameters.signals, packed.signals, strict=True)
    groups["signals"] = [{"policy": given["policy"], **plain(each)} for given, each in signals]
    return groups


def plain(record: Records) -> dict[str, Any]:
    """Return a record (1,) as numbers and lists, without the zeros at a list's end."""
    values = {name: record[name][0].tolist() for name in record.dtype.names or () if name != "unused"}
    return {name: _short(value) if isinstance(value, list) else value for name, value in values.items()}


def _short(values: list[float]) -> list[float]:
    return _short(values[:-1]) if values and values[-1] == 0 else values
