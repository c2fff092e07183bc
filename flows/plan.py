"""What a study is of, fixed before it begins and kept under `<home>/study`, so that it can go on after Ctrl-C.

A window without an end would grow with the lake, and the study would be another one: the end is settled here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from analytics.search import SpaceSettings
from flows import log, rooms
from flows.latency import settled, with_line
from flows.parameters import parameters_of
from flows.replay import replay_config
from flows.settings import Settings
from strategy.errors import BadInput, Failed
from strategy.policies.document import write_atomically
from strategy.policies.faults import one_line
from strategy.policies.parameters import ParameterSet

if TYPE_CHECKING:
    from analytics.study import StudySettings


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
    latency: str = ""  # settled, empty = the constants of [costs]

    def search(self, settings: Settings) -> "StudySettings":
        """Return the settings of the search; every trial is on disk when the next one starts."""
        from analytics.study import StudySettings

        config, trips = with_line(replay_config(settings), settings, self.latency)
        if trips is not None:
            log.say("latency", drawn_from=trips.told())
        return StudySettings(
            replay=config,
            trials=self.trials,
            seed=self.seed,
            space=self.space,
            journal_dir=settings.home / "study",
        )


def plan_study(
    settings: Settings,
    trials: int | None,
    seed: int | None,
    named: str | None,
    changes: Mapping[str, Any],
    window: tuple[int | None, int | None],
    latency: str | None = None,
) -> StudyPlan:
    """Settle what the command left open: from the settings, the champion and what the lake holds.

    `named` is the base set, a preset or a file; `changes` are single values of it by dotted name; `latency` stands
    in place of [costs] latency.
    """
    base = parameters_of(settings, None, named, _spread(settings) | dict(changes))[1]
    first, last = _held(settings)
    hours = settings.calibrate.hours
    newest = None if hours is None else max(first, last - int(hours * 3600e9))
    start, end = newest if window[0] is None else window[0], last if window[1] is None else window[1]
    said = settings.costs.latency if latency is None else latency
    wanted = {
        "trials": trials or settings.calibrate.trials,
        "seed": settings.calibrate.seed if seed is None else seed,
        "space": settings.calibrate.search,
        "start_ns": start,
        "end_ns": end,
        "latency": settled(said, (first if start is None else start, end)),
    }
    try:
        return StudyPlan.model_validate({"venue": settings.venue, "symbol": settings.symbol, "base": base, **wanted})
    except ValidationError as error:
        raise BadInput(one_line(error, StudyPlan)) from error


def _spread(settings: Settings) -> dict[str, Any]:
    """Return the spread policy that the settings want, as a change of the base set."""
    wanted = settings.calibrate.spread
    return {"spread.policy": wanted} if wanted else {}


def _held(settings: Settings) -> tuple[int, int]:
    """Return the first and last receive time that the lake holds of the symbol."""
    from analytics.coverage import span

    with rooms.lake(settings, read_only=True) as lake:
        found = span(lake, settings.venue, settings.symbol)
    if found is not None:
        return found
    raise Failed(f"the lake holds nothing of {settings.symbol} on {settings.venue}: record or import it first")


def remember(settings: Settings, name: str, plan: StudyPlan) -> None:
    """Keep a plan under its study's name."""
    write_atomically(_file(settings, name), plan.model_dump_json(indent=2).encode())


def resumed(settings: Settings, name: str, trials: int | None) -> StudyPlan:
    """Return the plan of an earlier study, with another number of trials when one is given."""
    path = _file(settings, name)
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in path.parent.glob("*.json"))) or "none"
        raise BadInput(f"study {name} is unknown, known are {known}")
    try:
        plan = StudyPlan.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadInput(f"study {name} cannot go on: {path.name} says {one_line(error, StudyPlan)}") from error
    return plan if trials is None else plan.model_copy(update={"trials": trials})


def _file(settings: Settings, name: str) -> Path:
    return settings.home / "study" / f"{name}.json"
