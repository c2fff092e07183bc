"""One parameter set's replay: what it assumes, what it remembers on its way, and what comes of it."""

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from strategy.errors import BadInput
from strategy.kernel.state import COUNTERS, RING_CAPACITY, Out, Params, Records, State, new_out
from strategy.policies.document import Instrument
from strategy.policies.packing import atoms_of, lots_of, pack_parameters
from strategy.policies.parameters import ParameterSet
from strategy.policies.stepper import fresh_state
from strategy.replay.exchange import MARGIN, Logs, Venue, new_logs, new_venue
from strategy.replay.index import NEVER
from strategy.replay.latency import Latencies, checked, constant
from strategy.replay.memory import leased
from strategy.replay.queue_models import QUEUE_MODELS
from strategy.replay.rows import OPEN
from strategy.replay.stamp import Views
from strategy.replay.tape import Tape, TapeInfo

BPS: Final = 1e-4
ROOM: Final = 16_384  # orders that a log begins with room for
FILLS: Final = 2_048  # ... and fills
SAMPLES: Final = 1 << 18  # ... and samples, at most; fewer where the window has fewer
Driver = Literal["auto", "skip", "reference"]
DRIVERS: Final = get_args(Driver)


@dataclass(frozen=True, slots=True)
class ReplayConfig:
    """What a replay assumes of venue, line and account.

    Holdings at the start in base and quote units. Orders that take pay `taker_fee_bps`, all others `maker_fee_bps`. The
    window is [start_ns, end_ns) in local time, None = the tape's own; the book is built from the tape's start all the
    same. `latencies` (strategy.replay.latency) stand in place of the two constants; `queue_exponent` is of `power`.
    Without `record_orders` no table of orders is written and it is only counted how many there were: most are replaced
    unfilled, and a search would spend a good part of its time on rows that nobody reads.

    Both drivers give the same result. `auto` skips where the policies allow it, nobody asks for the events
    and there are enough of them to be worth it.
    """

    entry_latency_ns: int = 10_000_000
    response_latency_ns: int = 10_000_000
    maker_fee_bps: float = 0.0
    taker_fee_bps: float = 0.0
    latencies: Latencies | None = None
    queue_model: Literal["risk_averse", "power", "log"] = "risk_averse"
    queue_exponent: float = 3.0
    base: float = 0.0
    quote: float = 0.0
    start_ns: int | None = None
    end_ns: int | None = None
    record_decisions: bool = False
    record_events: bool = False
    record_orders: bool = True
    sample_interval_ns: float = 1e9
    version: int = 0
    driver: Driver = "auto"

    def __post_init__(self) -> None:
        """Refuse what no venue or account can be."""
        if self.driver not in DRIVERS:
            raise BadInput(f"driver was {self.driver!r}, known are {', '.join(DRIVERS)}")
        if self.queue_model not in QUEUE_MODELS:
            raise BadInput(f"queue_model was {self.queue_model!r}, known are {', '.join(QUEUE_MODELS)}")
        if not 0.0 < self.queue_exponent < math.inf:
            raise BadInput(f"queue_exponent was {self.queue_exponent}, it must be over 0 and finite")
        if self.sample_interval_ns < 1:
            raise BadInput(f"sample_interval_ns was {self.sample_interval_ns}, it must be 1 or more")
        for name in ("entry_latency_ns", "response_latency_ns", "base", "quote"):
            if getattr(self, name) < 0:
                raise BadInput(f"{name} was {getattr(self, name)}, it must not be under 0")
        if self.latencies is not None:
            checked(self.latencies)

    def lines(self) -> Latencies:
        """Return how long messages take, each way."""
        if self.latencies is None:
            return constant(self.entry_latency_ns, self.response_latency_ns)
        return self.latencies


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What happened; dtypes in `strategy.replay.rows`. Holdings are the venue's truth, unreported fills included.

    Orders that were not recorded are counted all the same: `order_counts` (REGIMES, KINDS) of `strategy.replay.orders`.
    """

    fills: Records
    orders: Records
    samples: Records
    decisions: Records
    events: Records
    start_base_lots: float
    start_quote_atoms: float
    end_base_lots: float
    end_quote_atoms: float
    start_mid_ticks: float
    end_mid_ticks: float
    counters: dict[str, int]
    order_counts: NDArray[np.int64]


@dataclass(slots=True)
class Run:
    """A replay on its way; the logs, and the venue's book, are replaced by larger ones as it goes."""

    state: State
    params: Params
    venue: Venue
    logs: Logs
    out: Out
    base_lots: float
    quote_atoms: float
    printed: Views | None = None  # its arrays, where they lie in one block


def new_run(tape: Tape, info: TapeInfo, parameters: ParameterSet, config: ReplayConfig, light: bool = False) -> Run:
    """Return a replay that has not begun; `tape` as compiled loops want it.

    A `light` one has no room for the engine's window and the venue's book, which the skip driver looks up.
    """
    instrument = instrument_of(info)
    base, quote = lots_of(config.base, instrument), atoms_of(config.quote, instrument)
    venue, out = new_venue(tape, config.lines(), light), new_out()
    set_window(venue.cursor[0], tape, config)
    venue.cursor["base_lots"], venue.cursor["quote_atoms"] = base, quote
    out.recording[0] = config.record_decisions
    return Run(
        state=fresh_state(parameters, base, quote, config.version, 1 if light else RING_CAPACITY),
        params=pack_parameters(parameters, instrument),
        venue=venue,
        logs=new_logs(ROOM if config.record_orders else 0, FILLS, expected_samples(venue.cursor[0])),
        out=out,
        base_lots=base,
        quote_atoms=quote,
    )


def expected_samples(cursor: np.void) -> int:
    """Return for how many samples there has to be room over a window."""
    span = max(int(cursor["end_ns"]) - int(cursor["next_sample_ns"]), 0)
    return min(span // int(cursor["sample_ns"]), SAMPLES) + 2 * MARGIN


def instrument_of(info: TapeInfo) -> Instrument:
    """Return the instrument that a tape is of."""
    names = ("venue", "symbol", "tick_size", "lot_size", "min_qty", "min_notional")
    return Instrument(**{name: getattr(info, name) for name in names})


def set_window(cursor: np.void, tape: Tape, config: ReplayConfig) -> None:
    """Write into a venue's cursor where a replay starts and ends, and what it assumes."""
    local = [times for times in (tape.update_local, tape.trade_local, tape.gap_local) if len(times)]
    first = min((int(times[0]) for times in local), default=0)
    last = max((int(times[-1]) for times in local), default=-1)
    start = first if config.start_ns is None else max(config.start_ns, first)
    cursor["now"] = min(start, first)
    cursor["start_ns"] = start
    cursor["end_ns"] = last + 1 if config.end_ns is None else min(config.end_ns, last + 1)
    cursor["local_trade"] = np.searchsorted(tape.trade_local, start)
    cursor["local_gap"] = np.searchsorted(tape.gap_local, start)
    cursor["local_update"] = np.searchsorted(tape.update_local, start)
    cursor["next_sample_ns"] = start if len(local) else NEVER
    cursor["sample_ns"] = int(config.sample_interval_ns)
    cursor["queue_model"] = QUEUE_MODELS.index(config.queue_model)
    cursor["queue_exponent"] = config.queue_exponent
    cursor["maker_fee"] = config.maker_fee_bps * BPS
    cursor["taker_fee"] = config.taker_fee_bps * BPS
    cursor["record_decisions"] = config.record_decisions
    cursor["record_events"] = config.record_events
    cursor["record_orders"] = config.record_orders
    cursor["mid_ticks"] = math.nan
    cursor["start_mid_ticks"] = math.nan


def result_of(run: Run) -> ReplayResult:
    """Return what a run that is over has written down: its logs as far as they are in use."""
    cursor, logs = run.venue.cursor[0], run.logs
    kept_rows = spared_rows if run.printed is None else copied_rows
    orders = kept_rows(logs.orders, cursor["orders"])
    if cursor["record_orders"]:
        end_open(orders, run.state.slots["order_id"], int(cursor["end_ns"]))
    return ReplayResult(
        fills=kept_rows(logs.fills, cursor["fills"]),
        orders=orders,
        samples=kept_rows(logs.samples, cursor["samples"]),
        decisions=kept_rows(logs.decisions, cursor["decisions"]),
        events=kept_rows(logs.events, cursor["events"]),
        start_base_lots=run.base_lots,
        start_quote_atoms=run.quote_atoms,
        end_base_lots=float(cursor["base_lots"]),
        end_quote_atoms=float(cursor["quote_atoms"]),
        start_mid_ticks=float(cursor["start_mid_ticks"]),
        end_mid_ticks=float(cursor["mid_ticks"]),
        counters=_counters(run.state),
        order_counts=logs.counts.copy(),
    )


def end_open(orders: Records, last_ids: NDArray[np.int64], end_ns: int) -> None:
    """Let orders that are open last until the window's end: each is the last one of its slot."""
    last = last_ids[last_ids > 0] - 1
    orders["ended_ns"][last[orders["outcome"][last] == OPEN]] = end_ns


def spared_rows(log: Records, used: int) -> Records:
    """Return the rows in use: the log itself where they are most of it, else a copy, which frees the rest."""
    return log[: int(used)] if 2 * int(used) > len(log) else copied_rows(log, used)


def copied_rows(log: Records, used: int) -> Records:
    """Return a copy of the rows in use as bytes: numpy copies records one by one, ten times slower."""
    if used == 0:
        return np.empty(0, log.dtype)
    rows = log[: int(used)]
    copy = leased(len(rows), rows.dtype)
    copy.view(np.uint8)[:] = rows.view(np.uint8)
    return copy


def _counters(state: State) -> dict[str, int]:
    first = state.core[COUNTERS[0]].ctypes.data - state.core.ctypes.data  # they lie in a row
    counted: NDArray[np.int64] = np.ndarray(len(COUNTERS), np.int64, state.core.data, first)
    counts: dict[str, int] = dict(zip(COUNTERS, counted.tolist(), strict=True))
    if "overflow" in (state.volatility.dtype.names or ()):
        counts["volatility_overflow"] = int(state.volatility[0]["overflow"])
    return counts
