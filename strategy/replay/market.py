"""What all replays over one tape share: its index, its depth, and one track for each engine and window.

Kept for as long as the tape's columns live: a study asks for the same ones in every trial. So give the tape itself, not
a copy.
"""

import ctypes
import weakref
from typing import Any, Final, NamedTuple

import numpy as np

from strategy.kernel.borrowing import lend
from strategy.kernel.state import Params, Records
from strategy.policies.composition import Names, policy_names
from strategy.policies.parameters import ParameterSet
from strategy.policies.registry import policy
from strategy.policies.stepper import fresh_state
from strategy.replay.depth import Depth, depth_along, no_depth
from strategy.replay.index import Index, build_index, history_of
from strategy.replay.moments import side_by_side
from strategy.replay.tape import I64, Tape, prepared
from strategy.replay.track import Track, Window, track_of

TRACKS: Final = 64  # kept a tape


class Market(NamedTuple):
    """What the skip driver's loop is handed; columns of tape and index lie side by side (strategy.replay.moments)."""

    tape: Tape
    indexed: Index
    track: Track
    depth: Depth


class Known(NamedTuple):
    """What is known of one tape so far: its columns, and tape and index as the loop wants them."""

    columns: Tape
    tape: Tape
    indexed: Index
    moments: Records  # what the columns by update, and those of trades, are fields of
    trades: Records
    tracks: dict[Any, Track]
    lent: dict[tuple[int, int], Any]  # markets that loops have been lent, by track and depth


_KNOWN: Final[dict[tuple[int, ...], Known]] = {}  # by identity of a tape's columns


def market_of(known: Known, tape: Tape, parameters: ParameterSet, params: Params, window: tuple[int, int]) -> Market:
    """Return what a parameter set shares with others over [start, end) of local time (ns)."""
    span = window_of(known, *window)
    quoting, risk = params.quoting[0], params.risk[0]
    key = (
        parameters.policies()[0].name,
        params.volatility.tobytes(),
        int(quoting["sampling_ns"]),
        int(quoting["min_update_ns"]),
        int(risk["stale_ns"]),
        float(params.instrument[0]["tick_size"]),
        span,
    )
    if key not in known.tracks:
        if len(known.tracks) >= TRACKS:
            known.tracks.pop(next(iter(known.tracks)))
        known.tracks[key] = _tracked(known.columns, parameters, params, span)
    depth = depth_along(tape, parameters.risk.depth_band_bps) if parameters.needs_depth else no_depth()
    return Market(known.tape, known.indexed, known.tracks[key], depth)


def lent_market(known: Known, market: Market) -> Any:
    """Return a market as loops are lent it: the same for all sets that share track and depth."""
    key = id(market.track), id(market.depth.bid_lots)
    if key not in known.lent:
        if len(known.lent) >= TRACKS:
            known.lent.clear()
        known.lent[key] = lend(market)
    return known.lent[key]


def known_of(tape: Tape, index: Index | None, history: bool) -> Known:
    """Return what is known of a tape, made when it is first asked for; with the history of its sizes if asked for."""
    key = tuple(map(id, tape))
    if key not in _KNOWN:
        columns = prepared(tape)
        if tape.level_lots.flags.c_contiguous:  # else the columns have a copy
            columns = columns._replace(level_lots=unowned(columns.level_lots))
        indexed = _locked(build_index(columns, history) if index is None else index)
        _KNOWN[key] = Known(columns, *side_by_side(columns, indexed), {}, {})
        weakref.finalize(tape.level_lots, _KNOWN.pop, key, None)
    known = _KNOWN[key]
    if history and len(known.indexed.history.keys) == 0 and len(tape.level_ticks) > 0:
        sizes = _locked(history_of(known.columns) if index is None else index.history)
        _KNOWN[key] = known._replace(indexed=known.indexed._replace(history=sizes), lent={})
    return _KNOWN[key]


def unowned(column: I64) -> I64:
    """Return a read-only view that does not keep a column alive: what is known of a tape goes when this column does."""
    if len(column) == 0:
        return column
    memory = (ctypes.c_char * column.nbytes).from_address(column.ctypes.data)
    view: I64 = np.frombuffer(memoryview(memory).cast("B"), np.int64)
    view.setflags(write=False)
    return view


def _locked(record: Any) -> Any:
    """Return read-only views of all columns, so that built and mapped ones share one compiled loop."""
    if isinstance(record, tuple):
        return type(record)(*map(_locked, record))
    view = np.ascontiguousarray(record).view()
    view.setflags(write=False)
    return view


def window_of(known: Known, start_ns: int, end_ns: int) -> Window:
    """Return where a strategy that starts at `start_ns` begins: at the first fresh update, or the first at all when the
    venue's book is known by then."""
    tape = known.columns
    row = int(np.searchsorted(tape.update_local, start_ns))
    while row < len(tape.update_local) and tape.fresh[row] == 0 and not _known_at(tape, int(tape.update_local[row])):
        row += 1
    return Window(row, int(np.searchsorted(tape.gap_local, start_ns)), end_ns)


def _known_at(tape: Tape, ns: int) -> bool:
    """Return whether the venue's book is known after everything up to `ns` of exchange time."""
    seen = np.searchsorted(tape.update_exch, ns, side="right")
    fresh = np.flatnonzero(tape.fresh[:seen])
    gaps = np.searchsorted(tape.gap_exch, ns, side="right")
    if len(fresh) == 0:
        return False
    return bool(gaps == 0 or tape.update_exch[fresh[-1]] >= tape.gap_exch[gaps - 1])


def _tracked(tape: Tape, parameters: ParameterSet, params: Params, window: Window) -> Track:
    """Walk the tape; of the policies only the engine matters, so that sets share what is compiled."""
    names = Names(policy_names(parameters).volatility, "discrete", "neutral")
    alone = params._replace(
        spread=np.zeros(1, policy("spreads", names.spread).record),
        inventory=np.zeros(1, policy("inventory", names.inventory).record),
        signals=(),
    )
    state = fresh_state(parameters, 0.0, 0.0, 0)._replace(signals=())
    return track_of(tape, state, alone, names, window)
