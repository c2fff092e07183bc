"""What the gates look at: a study's winner replayed again, by period, beside its rivals, its neighbours and in trouble.

Replays cost about as much as `gates.trials` trials, and a few dozen over the held-out fold.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.gates.agreement import Agreement
from analytics.gates.neighbourhood import neighbours
from analytics.gates.period_replays import PeriodReplays, Replayed
from analytics.gates.stress import Strained, stressed, widest
from analytics.gates.thresholds import GateSettings
from analytics.registry.promotion import CHAMPION
from analytics.study.candidates import preferred, rank_trials
from analytics.study.folds import Fold, Window
from analytics.study.objective import Evaluation
from analytics.study.sigmas import Sigmas
from analytics.study.space import Space
from analytics.study.study import StudyResult
from strategy.policies.document import ParameterDocument
from strategy.policies.parameters import ParameterSet
from strategy.replay.tape import Tape, TapeInfo

F64 = NDArray[np.float64]
NOBODY: Final = "not quoting"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A winner held out and whom it has to beat on the same window, and all that was replayed for the gates.

    Series are bps of one side's quoted notional a period. `searched` has a row a period of train and validation folds
    and a column a trial, the winner's first; `gain` is the winner's less the champion's held out, or the winner's own
    where there is none. Edges are bps of traded notional, nan without fills: `neighbours` by label. `stress`
    is by name (None: the tape is too short for it).
    """

    document: ParameterDocument
    held_out: Evaluation
    rival: Evaluation
    rival_name: str  # champion, or baseline while there is none
    settings: GateSettings
    trials: int
    searched: F64
    gain: F64
    neighbours: dict[str, float]
    stress: dict[str, Strained | None]
    yesterday: Agreement | None  # None: nobody looked

    @property
    def seed(self) -> int:
        """Return the study's seed."""
        return self.document.provenance.seed or 0


def gather(
    result: StudyResult,
    tape: Tape,
    info: TapeInfo,
    document: ParameterDocument,
    settings: GateSettings,
    champion: ParameterSet | None = None,
    yesterday: Agreement | None = None,
) -> Evidence:
    """Replay what the gates of a finished study need."""
    replays = PeriodReplays(tape, info, result.settings.replay, settings.period_ns, result.settings.index_dir)
    held_out = windows_of(result.folds.held_out)
    winner = replays.run([result.winner.point.parameters], held_out)[0]
    rival = result.champion if champion is not None else None
    return Evidence(
        document=document,
        held_out=result.held_out,
        rival=rival or result.baseline,
        rival_name=CHAMPION if rival else "baseline",
        settings=settings,
        trials=len(rank_trials(result.trials, len(result.trials))),
        searched=_searched(replays, result, tape, info, settings),
        gain=winner.earned - (0.0 if champion is None else replays.run([champion], held_out)[0].earned),
        neighbours=_neighbours(replays, result, held_out, settings),
        stress=_stress(replays, result, held_out, winner, settings),
        yesterday=yesterday,
    )


def windows_of(folds: tuple[Fold, ...]) -> list[Window]:
    """Return the windows of folds in their order."""
    return [window for fold in folds for window in fold]


def sampled(result: StudyResult, space: Space, most: int) -> list[ParameterSet]:
    """Return the winner and up to `most` - 1 other trials, evenly from the best to the worst.

    Trials that missed a constraint could not have won: they are only taken where fewer than two others are there.
    """
    winner = result.winner.trial.number
    ranked = [row for row in preferred(result.trials, result.settings.objective) if row.number != winner]
    feasible = [row for row in ranked if row.feasible] or ranked
    places = np.unique(np.linspace(0, len(feasible) - 1, min(most - 1, len(feasible))).round().astype(int))
    return [result.winner.point.parameters, *(space.point(feasible[i].u).parameters for i in places)]


def _searched(replays: PeriodReplays, result: StudyResult, tape: Tape, info: TapeInfo, settings: GateSettings) -> F64:
    """Return the sampled trials' series over all that the search and the choice of the winner saw."""
    space = Space(result.base, Sigmas(tape, info, result.folds).in_training, result.settings.space)
    windows = windows_of((*result.folds.train, *result.folds.validation))
    if sum((each.end_ns - each.start_ns) // settings.period_ns for each in windows) < settings.min_periods:
        windows = []  # too short for any verdict: nothing is replayed for it
    found: list[Replayed] = replays.run(sampled(result, space, settings.trials), windows)
    return np.stack([each.earned for each in found], axis=1)


def _neighbours(
    replays: PeriodReplays, result: StudyResult, held_out: list[Window], settings: GateSettings
) -> dict[str, float]:
    point = result.winner.point
    step, draws = settings.neighbour_step, settings.neighbour_draws
    found = neighbours(point.parameters, point.values, step, draws, result.settings.seed)
    done = replays.run([each.parameters for each in found], held_out)
    return {each.label: replayed.edge_bps for each, replayed in zip(found, done, strict=True)}


def _stress(
    replays: PeriodReplays, result: StudyResult, held_out: list[Window], winner: Replayed, settings: GateSettings
) -> dict[str, Strained | None]:
    """Return what comes of the winner in each worse world; `winner` is held out as usual, for one that is no worse."""
    sets = [result.winner.point.parameters]
    found: dict[str, Strained | None] = {
        name: _strained(winner if config == replays.config else replays.run(sets, held_out, config)[0])
        for name, config in stressed(replays.config, settings).items()
    }
    window = widest(replays.tape, settings.stress_hours)
    found["spread"] = None if window is None else _strained(replays.run(sets, [window])[0])
    return found


def _strained(replayed: Replayed) -> Strained:
    return Strained(replayed.edge_bps, replayed.metrics.overall["fills"])
