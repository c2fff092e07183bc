"""Replays by period: what a parameter set earned in each stretch of equal length, and over all of them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.metrics.activity import Activity, of_replay
from analytics.metrics.figures import EDGE_HORIZON_S, Metrics, Tally, combine, metrics_of, tally
from analytics.metrics.markout import HORIZONS_S, MidPath, mid_path, realised
from analytics.study.folds import Window
from analytics.tape.excerpt import excerpt
from analytics.tape.index_files import index_of
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig, replay_many, skips
from strategy.replay.index import Index
from strategy.replay.tape import Tape, TapeInfo

F64 = NDArray[np.float64]
MARKOUT: Final = HORIZONS_S.index(EDGE_HORIZON_S)
THREADS: Final = min(os.cpu_count() or 1, 8)


@dataclass(frozen=True, slots=True)
class Replayed:
    """One set over some windows: its figures, and what each period earned in bps of one side's quoted notional.

    What is earned is what a study maximises: realised capture 30 s after each fill less fees.
    """

    metrics: Metrics
    earned: F64

    @property
    def edge_bps(self) -> float:
        """Return realised capture less fees in bps of traded notional, nan without fills."""
        return self.metrics.overall["edge_bps"]


class PeriodReplays:
    """One tape and what a replay assumes; windows are cut out of the tape once.

    With a `cache` their indices lie there: those of a study's folds are there already.
    """

    def __init__(
        self, tape: Tape, info: TapeInfo, config: ReplayConfig, period_ns: int, cache: Path | None = None
    ) -> None:
        """Replay nothing yet."""
        self.tape, self.info, self.config = tape, info, config
        self._period_ns, self._cache = period_ns, cache
        self._path = mid_path(tape)
        self._mid_ticks = float(np.nanmean(self._path.mid))
        self._excerpts: dict[Window, Tape] = {}

    def run(
        self, sets: Sequence[ParameterSet], windows: Sequence[Window], config: ReplayConfig | None = None
    ) -> list[Replayed]:
        """Replay each set on every window, each time from the same holdings; `config` stands instead of the usual."""
        by_window = [list(self._parts(sets, window, config or self.config)) for window in windows]
        return [_added([parts[i] for parts in by_window]) for i in range(len(sets))]

    def _parts(self, sets: Sequence[ParameterSet], window: Window, config: ReplayConfig) -> Iterator[tuple[Tally, F64]]:
        """Yield what each set did in a window as sums; what happened in it is let go of at once."""
        if window not in self._excerpts:
            self._excerpts[window] = excerpt(self.tape, window)
        own = replace(config, start_ns=window.start_ns, end_ns=window.end_ns, record_orders=False)
        # A markout past the end of its window would look into what follows it.
        path = self._path.between(window.start_ns, window.end_ns)
        results = replay_many(self._excerpts[window], self.info, sets, own, THREADS, self._index(sets, window, own))
        for parameters, result in zip(sets, results, strict=True):
            activity = of_replay(result, window.start_ns, window.end_ns)
            earned = earned_atoms(activity, path, window, self._period_ns) / self._quoted_atoms(parameters)
            yield tally(activity, path, self.info), 1e4 * earned

    def _index(self, sets: Sequence[ParameterSet], window: Window, config: ReplayConfig) -> Index | None:
        """Return a window's index where it is kept and needed."""
        tape = self._excerpts[window]
        if self._cache is None or not any(skips(tape, each, config, len(sets)) for each in sets):
            return None
        return index_of(tape, self.info, self._cache)

    def _quoted_atoms(self, parameters: ParameterSet) -> float:
        """Return the notional that one side quotes, in atoms."""
        lots = parameters.quoting.order_qty / float(self.info.lot_size) * len(parameters.quoting.buy_spreads)
        return lots * self._mid_ticks


def _added(parts: Sequence[tuple[Tally, F64]]) -> Replayed:
    """Add up the parts of one set, a window each."""
    earned = np.concatenate([np.zeros(0), *(series for _, series in parts)])
    return Replayed(metrics_of(combine([each for each, _ in parts])), earned)


def earned_atoms(activity: Activity, path: MidPath, window: Window, period_ns: int) -> F64:
    """Return realised capture at 30 s less fees of each whole period of a window, atoms, shape (periods,).

    A fill belongs to the period of its exchange time. One whose markout is not known in the window counts as nothing.
    """
    fills = activity.fills
    count = (window.end_ns - window.start_ns) // period_ns
    captured = realised(path, fills["exch_ts"], fills["side"], fills["price_ticks"], fills["qty_lots"])[:, MARKOUT]
    earned = captured - (fills["fee_quote_atoms"] + fills["fee_base_lots"] * fills["mid_ticks"])
    period = (fills["exch_ts"] - window.start_ns) // period_ns
    counted = np.isfinite(earned) & (period >= 0) & (period < count)
    return np.bincount(period[counted].astype(np.int64), earned[counted], minlength=int(count)).astype(np.float64)
