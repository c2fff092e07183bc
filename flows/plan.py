"""What a study is of, fixed before it begins and kept under `<home>/study`, so that it can go on after Ctrl-C.

A window without an end would grow with the lake, and the study would be another one: the end is settled here.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from flows import rooms
from flows.replay import parameters_of, replay_config
from flows.settings import Settings
from strategy.errors import BadInput, Failed
from strategy.policies.document import write_atomically
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
    spread: Literal["discrete", "linear"]
    base: ParameterSet

    def search(self, settings: Settings) -> "StudySettings":
        """Return the settings of the search; every trial is on disk when the next one starts."""
        from analytics.space import SpaceSettings
        from analytics.study import StudySettings

        return StudySettings(
            replay=replay_config(settings),
            trials=self.trials,
            seed=self.seed,
            space=SpaceSettings(spread_policy=self.spread),
            journal_dir=settings.home / "study",
        )


def plan_study(
    settings: Settings,
    trials: int | None,
    seed: int | None,
    spread: str | None,
    params: Path | None,
    window: tuple[int | None, int | None],
) -> StudyPlan:
    """Settle what the command left open: from the settings, the champion and what the lake holds."""
    first, last = _held(settings)
    hours = settings.calibrate.hours
    newest = None if hours is None else max(first, last - int(hours * 3600e9))
    wanted = {
        "trials": trials or settings.calibrate.trials,
        "seed": settings.calibrate.seed if seed is None else seed,
        "spread": spread or settings.calibrate.spread,
        "start_ns": newest if window[0] is None else window[0],
        "end_ns": last if window[1] is None else window[1],
    }
    base = parameters_of(settings, None, params)[1]
    try:
        return StudyPlan.model_validate({"venue": settings.venue, "symbol": settings.symbol, "base": base, **wanted})
    except ValidationError as error:
        fault = error.errors()[0]
        raise BadInput(f"{fault['loc'][0]} was {fault['input']!r}: {fault['msg'].lower()}") from error


def _held(settings: Settings) -> tuple[int, int]:
    """Return the first and last receive time that the lake holds of the symbol."""
    from analytics.coverage import coverage

    with rooms.lake(settings, read_only=True) as lake:
        for row in coverage(lake).iter_rows(named=True):
            if (row["venue"], row["symbol"]) == (settings.venue, settings.symbol):
                return row["first_ns"], row["last_ns"]
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
    plan = StudyPlan.model_validate_json(path.read_bytes())
    return plan if trials is None else plan.model_copy(update={"trials": trials})


def _file(settings: Settings, name: str) -> Path:
    return settings.home / "study" / f"{name}.json"
