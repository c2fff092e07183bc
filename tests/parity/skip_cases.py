"""Random cases for the two drivers: parameters, tape and assumptions.

`case(seed)` gives the same case in every process. The policies come from a short list, for each combination costs a
compilation; everything else is drawn.
"""

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any, Final, NamedTuple

import numpy as np

from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig
from strategy.replay.latency import Latencies, constant, drawn
from strategy.replay.queue_models import QUEUE_MODELS
from strategy.replay.synthetic import synthetic_info
from strategy.replay.tape import Tape, TapeInfo, prepared
from tests.parity.skip_parameters import (
    BPS,
    Names,
    Scale,
    random_barriers,
    random_engine,
    random_inventory,
    random_quoting,
    random_regimes,
    random_risk,
    random_signal,
    random_spread,
    sampling_interval,
)
from tests.parity.skip_tapes import SECOND_NS, Market, random_market, random_tape

# Together these hold every registered policy. Seed s has the policies s % len(COMBINATIONS).
COMBINATIONS: Final = (
    Names("rolling_std", "discrete", "neutral", ()),
    Names("rolling_std", "discrete", "buy_only", ()),
    Names("rolling_std", "linear", "skewed", ("imbalance",)),
    Names("bar_std", "range", "balanced", ("trend",)),
    Names("ewma", "sigmoid", "buy_only", ("trade_burst",)),
    Names("garch", "pchip", "skewed", ()),
    Names("rolling_std", "glft", "neutral", ("imbalance", "trade_burst")),
    Names("ewma", "avellaneda_stoikov", "balanced", ()),
)
MS: Final = 1_000_000
FILTERS: Final = (("0.01", "0.00001"), ("0.1", "0.001"), ("1", "1"), ("0.0001", "0.1"))  # tick and lot sizes


class Case(NamedTuple):
    """One comparison; `parameters` is the plain data of a parameter set."""

    seed: int
    tape: Tape
    info: TapeInfo
    parameters: dict[str, Any]
    config: ReplayConfig


def case(seed: int) -> Case:
    """Return the case of a seed."""
    rng, names = Random(seed), COMBINATIONS[seed % len(COMBINATIONS)]
    updates = round(500 * 8 ** rng.random()) if rng.random() > 0.03 else rng.randrange(4)
    market = random_market(rng, updates)
    tape = random_tape(rng, market)
    interval = sampling_interval(rng, names)
    info = synthetic_info(tape)._replace(**dict(zip(("tick_size", "lot_size"), rng.choice(FILTERS), strict=True)))
    scale = scale_of(rng, tape, info, market, 1.0 if names.engine == "bar_std" else interval)
    parameters = random_parameters(rng, names, interval, scale)
    if names.engine == "rolling_std" and names.spread == "discrete" and rng.random() < 0.2:
        parameters = in_quote_units(parameters, scale.mid)
    return Case(seed, tape, with_minima(rng, info, scale), parameters, random_config(rng, tape, scale))


def plain_case(seed: int) -> Case:
    """Return the case of a seed without the rules that keep quotes from being renewed in one go."""
    rng, given = Random(seed), case(seed)
    quoting = {"requote_tolerance_bps": None, "max_concurrent_buys": None, "position_rebalance_threshold_pct": None}
    risk = {"max_daily_loss_quote": None, "max_drawdown_pct": None}
    parameters = given.parameters | {
        "quoting": given.parameters["quoting"] | quoting,
        "risk": given.parameters["risk"] | risk,
        "signals": [],
    }
    each_way = rng.choice((0, 0, 1, 10, 40)) * MS, rng.choice((0, 0, 3, 10, 40)) * MS
    config = replace(given.config, latencies=constant(*each_way), record_decisions=False, sample_interval_ns=1e9)
    return given._replace(parameters=parameters, config=config)


def parameters_of(given: Case) -> ParameterSet:
    """Return the parameter set of a case."""
    return ParameterSet.model_validate(given.parameters)


def scale_of(rng: Random, tape: Tape, info: TapeInfo, market: Market, sample_s: float) -> Scale:
    """Measure a tape and draw the size of orders; `sample_s` is what a sample of sigma spans, 0 = an update."""
    whole = (tape.bid_ticks > 0) & (tape.ask_ticks > tape.bid_ticks)
    mids = 0.5 * (tape.bid_ticks + tape.ask_ticks)[whole]
    moves = np.diff(mids) / mids[:-1] if len(mids) > 2 else np.array([0.0, 1e-4])
    move, pause_s, lot = max(float(np.std(moves)), 1e-6), market.pause_ns / SECOND_NS, float(info.lot_size)
    tick_bps = 1.0 / market.mid_ticks / BPS
    return Scale(
        pause_s=pause_s,
        length_s=max(market.updates, 1) * pause_s,
        silence_s=market.silence_ns / SECOND_NS,
        move=move,
        width_bps=min(max(move / BPS * rng.uniform(1.0, 8.0), tick_bps * rng.uniform(0.3, 2.0)), 1_000.0),
        sigma=move * max(sample_s / pause_s, 1.0) ** 0.5,
        mid=market.mid_ticks * float(info.tick_size),
        order=lot * rng.choice((3, 10, 30.4, 100)),
        top=lot * market.lots,
        levels=rng.choice((1, 1, 1, 2, 3, 4, 8)),
    )


def random_parameters(rng: Random, names: Names, interval: float, scale: Scale) -> dict[str, Any]:
    """Draw every section of a parameter set."""
    return {
        "volatility": random_engine(rng, names.engine, interval, scale),
        "spread": random_spread(rng, names.spread, scale),
        "inventory": random_inventory(rng, names.inventory, scale),
        "signals": [random_signal(rng, name, scale) for name in names.signals],
        "regimes": random_regimes(rng, scale),
        "quoting": random_quoting(rng, scale),
        "barriers": random_barriers(rng, scale),
        "risk": random_risk(rng, scale),
    }


def in_quote_units(parameters: dict[str, Any], mid: float) -> dict[str, Any]:
    """Return parameters whose sigma, and all that is compared with it, is in quote units."""
    sigmas = {
        "regimes": ("low_threshold", "medium_threshold", "high_threshold"),
        "quoting": ("vol_size_ref",),
        "risk": ("panic_threshold",),
    }
    moved = {
        group: parameters[group] | {name: parameters[group][name] * mid for name in names if parameters[group][name]}
        for group, names in sigmas.items()
    }
    return parameters | moved | {"volatility": parameters["volatility"] | {"vol_mode": "absolute"}}


def with_minima(rng: Random, info: TapeInfo, scale: Scale) -> TapeInfo:
    """Return a tape's info with some venue's minima, sometimes near the orders' size."""
    lots = rng.choice((1, 1, 2, 10))
    notional = rng.choice((0.0, 0.2, 0.2, 0.999)) * scale.order * scale.mid
    return info._replace(min_qty=str(Decimal(info.lot_size) * lots), min_notional=f"{notional:.12f}")


def random_config(rng: Random, tape: Tape, scale: Scale) -> ReplayConfig:
    """Draw latencies, the queue model, fees, holdings and the window."""
    start, end = random_window(rng, tape)
    notional = scale.order * scale.mid
    return ReplayConfig(
        latencies=random_latencies(rng),
        maker_fee_bps=rng.choice((0.0, 1.0, -0.5)),
        taker_fee_bps=rng.choice((0.0, 5.0)),
        queue_model=rng.choice(QUEUE_MODELS),
        queue_exponent=rng.choice((1.0, 2.5, 3.0)),
        base=scale.order * rng.choice((0, 0.7, 2, 5, 50)),
        quote=notional * rng.choice((0, 0.7, 2, 5, 50)),
        start_ns=start,
        end_ns=end,
        record_decisions=rng.random() < 0.5,
        sample_interval_ns=rng.choice((1e7, 1e9, 1e9, 60e9)),
    )


def random_latencies(rng: Random) -> Latencies:
    """Draw the two lines: none, constant, or drawn from a few round trips."""
    entry_ms, response_ms = rng.choice(((0, 0), (10, 10), (1, 30), (300, 2_000), (0, 50)))
    if rng.random() < 0.6:
        return constant(entry_ms * MS, response_ms * MS)
    trips = [(int(rng.uniform(0, 4) * entry_ms) * MS, int(rng.expovariate(1) * response_ms) * MS) for _ in range(20)]
    return drawn(trips, seed=rng.randrange(1_000), count=rng.choice((7, 64)))


def random_window(rng: Random, tape: Tape) -> tuple[int | None, int | None]:
    """Draw a window in local time, half of the time the whole tape: its edges lie anywhere, and on events."""
    times = np.concatenate([prepared(tape).update_local, prepared(tape).trade_local])
    if rng.random() < 0.5 or len(times) == 0:
        return None, None
    first, last = int(times.min()), int(times.max())
    edges = (None, first - SECOND_NS, last + SECOND_NS, rng.randint(first, last), int(times[rng.randrange(len(times))]))
    start, end = rng.choices(edges, (3, 1, 0.3, 3, 3))[0], rng.choices(edges, (3, 0.3, 1, 2, 2))[0]
    if start is not None and end is not None and start > end and rng.random() < 0.9:
        return end, start
    return start, end
