"""What a study is of, fixed before it begins and kept under `<home>/study`, so that it can go on after Ctrl-C.

A window without an end would grow with the lake, and the study would be another one: the end is settled here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from analytics.study.search import SpaceSettings
from analytics.study.searched import searched
from analytics.study.settings import (
    MOST_TRIALS,
    FoldSettings,
    Objective,
    SearchSettings,
    check_available,
    check_together,
)
from analytics.study.space_file import read_space
from flows import log, rooms
from flows.fill_model import settled_model, with_fill_model
from flows.latency import settled, with_line
from flows.parameters import parameters_of
from flows.replay import replay_config
from flows.settings import Settings
from strategy.errors import BadInput, Failed
from strategy.policies.document import write_atomically
from strategy.policies.faults import one_line
from strategy.policies.parameters import ParameterSet

if TYPE_CHECKING:
    from analytics.study.study import StudySettings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command says of a study; None = by the settings.

    `base` is a preset or a file, `changes` are single values of it by dotted name, `space` is a file that says what is
    searched, several `measures` make a Pareto study. Minutes without a number of trials leave that open.
    """

    trials: int | None = None
    minutes: float | None = None
    seed: int | None = None
    base: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    window: tuple[int | None, int | None] = (None, None)
    sampler: str | None = None
    measures: tuple[str, ...] = ()
    space: Path | None = None
    latency: str | None = None
    fill_model: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    prune: float | None = None


class StudyPlan(BaseModel):
    """Everything that makes a study what it is, but the tape's content."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    venue: str
    symbol: str
    start_ns: int | None
    end_ns: int
    trials: int
    seed: int
    space: SpaceSettings
    base: ParameterSet
    latency: str = ""  # settled, empty = the fill model's or the constants of [costs]
    fill_model: int | None = None  # settled, None = the queue of [costs]
    minutes: float | None = None
    sampling: SearchSettings = SearchSettings()
    folds: FoldSettings = FoldSettings()
    objective: Objective = Objective()

    def search(self, settings: Settings) -> "StudySettings":
        """Return the settings of the search; finished trials outlive this process."""
        from analytics.study.study import StudySettings

        assumed = with_fill_model(replay_config(settings), settings, self.fill_model)
        config, trips = with_line(assumed, settings, self.latency)
        if trips is not None:
            log.say("latency", drawn_from=trips.told())
        return StudySettings(
            replay=config,
            trials=self.trials,
            seed=self.seed,
            minutes=self.minutes,
            search=self.sampling,
            space=self.space,
            folds=self.folds,
            objective=self.objective,
            journal_dir=settings.home / "study",
            index_dir=settings.home / "tape",
            shared=settings.study.shared,
            fill_model=self.fill_model,
            plan=self.model_dump_json(),
        )


def plan_study(settings: Settings, wanted: Wanted) -> StudyPlan:
    """Settle what the command left open: from the settings, the champion and what the lake holds."""
    check_available(wanted.sampler or settings.study.sampler)
    base = parameters_of(settings, None, wanted.base, _spread(settings) | dict(wanted.changes))[1]
    space = _space(settings, wanted, base)
    first, last = _held(settings)
    hours, study = settings.calibrate.hours, settings.study
    newest = None if hours is None else max(first, last - int(hours * 3600e9))
    start = newest if wanted.window[0] is None else wanted.window[0]
    end = last if wanted.window[1] is None else wanted.window[1]
    line = settings.costs.latency if wanted.latency is None else wanted.latency
    plan = {
        "venue": settings.venue,
        "symbol": settings.symbol,
        "base": base,
        "space": space,
        "trials": wanted.trials or (MOST_TRIALS if wanted.minutes else settings.calibrate.trials),
        "minutes": wanted.minutes or study.minutes or None,
        "seed": settings.calibrate.seed if wanted.seed is None else wanted.seed,
        "start_ns": start,
        "end_ns": end,
        "latency": settled(line, (first if start is None else start, end)),
        "fill_model": settled_model(settings, wanted.fill_model),
        "sampling": _changed(study.search, sampler=wanted.sampler, prune=wanted.prune),
        "folds": study.folds,
        "objective": _objective(study.objective, wanted),
    }
    try:
        found = StudyPlan.model_validate(plan)
    except ValidationError as error:
        raise BadInput(one_line(error, StudyPlan)) from error
    check_together(found.sampling, found.objective, found.folds)
    return found


def _objective(objective: Objective, wanted: Wanted) -> dict[str, Any]:
    """Return the settings' objective with what the command says; the settings' weights belong to their objectives."""
    if not wanted.measures:
        return _changed(objective, weights=dict(wanted.weights) or None)
    first, *also = wanted.measures
    return _changed(objective, measure=first, also=also, weights=dict(wanted.weights))


def _space(settings: Settings, wanted: Wanted, base: ParameterSet) -> SpaceSettings:
    """Return what is searched; a file that names what the base set does not have is told apart from the settings."""
    if wanted.space is None:
        return settings.calibrate.search
    space = read_space(wanted.space, settings.calibrate.search)
    try:
        searched(base, space)
    except BadInput as error:
        raise BadInput(f"space file {wanted.space}: {error}") from error
    return space


def _changed(model: BaseModel, **given: Any) -> dict[str, Any]:
    return model.model_dump() | {name: value for name, value in given.items() if value is not None}


def _spread(settings: Settings) -> dict[str, Any]:
    """Return the spread policy that the settings want, as a change of the base set."""
    wanted = settings.calibrate.spread
    return {"spread.policy": wanted} if wanted else {}


def _held(settings: Settings) -> tuple[int, int]:
    """Return the first and last receive time that the lake holds of the symbol."""
    from analytics.care.coverage import span

    with rooms.lake(settings, read_only=True) as lake:
        found = span(lake, settings.venue, settings.symbol)
    if found is not None:
        return found
    raise Failed(f"the lake holds nothing of {settings.symbol} on {settings.venue}: record or import it first")


def remember(settings: Settings, name: str, plan: StudyPlan) -> None:
    """Keep a plan under its study's name."""
    write_atomically(_file(settings, name), plan.model_dump_json(indent=2).encode())


def resumed(settings: Settings, name: str, trials: int | None, minutes: float | None) -> StudyPlan:
    """Return the plan of an earlier study, with other limits where they are given."""
    path = _file(settings, name)
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in path.parent.glob("*.json"))) or "none"
        raise BadInput(f"study {name} is unknown, known are {known}")
    try:
        plan = StudyPlan.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadInput(f"study {name} cannot go on: {path.name} says {one_line(error, StudyPlan)}") from error
    given = {"trials": trials or (MOST_TRIALS if minutes else None), "minutes": minutes}
    return plan.model_copy(update={name: value for name, value in given.items() if value is not None})


def _file(settings: Settings, name: str) -> Path:
    return settings.home / "study" / f"{name}.json"
