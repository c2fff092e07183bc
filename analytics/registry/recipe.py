"""What is kept beside a version so that its numbers can be computed once more, and those numbers."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final, Self

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from analytics.gates.agreement import Agreement
from analytics.gates.thresholds import GateSettings
from analytics.gates.verdicts import Verdict
from analytics.registry.made_with import made_with
from analytics.study.ask_and_tell import Proposed
from analytics.study.objective import Evaluation
from analytics.study.search import SpaceSettings
from analytics.study.settings import FoldSettings, Objective, SearchSettings
from analytics.study.study import StudyResult, StudySettings
from analytics.study.trials import SAMPLED
from analytics.study.walk_forward import efficiency
from strategy.errors import Failed
from strategy.policies.faults import one_line
from strategy.policies.parameters import ParameterSet
from strategy.replay.latency import Latencies
from strategy.replay.run import ReplayConfig

KERNEL: Final = "kernel"  # the gate whose value is a digest: it stands in `made_with`
Asked = tuple[int | None, int | None]
Figures = dict[str, float | str | None]


class Recipe(BaseModel):
    """All that decides about a calibration but the lake's rows; the lake's snapshot stands in the document.

    `window` is of receive time, as it was asked for. `known` and `tried` are those of `study.ask_and_tell.Proposed`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")
    window: Asked
    base: ParameterSet
    champion: ParameterSet | None
    replay: dict[str, Any]  # strategy.replay.run.ReplayConfig
    latencies: tuple[tuple[int, ...], tuple[int, ...]] | None
    trials: int
    seed: int
    candidates: int
    search: SearchSettings
    space: SpaceSettings
    folds: FoldSettings
    objective: Objective
    known: dict[str, dict[str, float]]
    tried: tuple[dict[str, float], ...]
    gates: GateSettings
    yesterday: Agreement | None
    made_with: dict[str, str]
    figures: Figures

    @classmethod
    def of(
        cls,
        result: StudyResult,
        verdicts: Sequence[Verdict],
        base: ParameterSet,
        window: Asked,
        **judged: Any,
    ) -> Self:
        """Return the recipe of a finished calibration; `judged` are its champion, gates and yesterday."""
        settings = result.settings
        replay = {each.name: getattr(settings.replay, each.name) for each in fields(settings.replay)}
        latencies = replay.pop("latencies")
        return cls(
            window=window,
            base=base,
            replay=replay,
            latencies=None if latencies is None else tuple(tuple(line.tolist()) for line in latencies),
            trials=len(result.trials),
            seed=settings.seed,
            candidates=settings.candidates,
            search=settings.search,
            space=settings.space,
            folds=settings.folds,
            objective=settings.objective,
            known={row.source: row.u for row in result.trials if row.source != SAMPLED},
            tried=tuple(row.u for row in result.trials) if result.resumed else (),
            made_with=made_with(),
            figures=figures_of(result, verdicts),
            **judged,
        )

    def to_json(self) -> bytes:
        """Return the file's bytes; the order of what a warm start knew matters and is kept."""
        return self.model_dump_json().encode() + b"\n"

    @classmethod
    def read(cls, text: str, origin: str) -> Self:
        """Read what `to_json` wrote; settings that this program does not know are a failure that names them."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            said = one_line(error, cls)
            raise Failed(f"{origin} has settings that this program does not read: {said}") from error

    def settings(self) -> StudySettings:
        """Return the settings of the same study, in memory."""
        known = {each.name for each in fields(ReplayConfig)}
        unknown = [name for name in self.replay if name not in known]
        if unknown:
            raise Failed(f"replay has no {', '.join(unknown)} any more, which the version was computed with")
        latencies = None if self.latencies is None else Latencies(*self.latencies)  # type: ignore[arg-type]
        return StudySettings(
            replay=ReplayConfig(**self.replay, latencies=latencies),
            trials=self.trials,
            seed=self.seed,
            candidates=self.candidates,
            search=self.search,
            space=self.space,
            folds=self.folds,
            objective=self.objective,
            again=Proposed({} if self.tried else self.known, self.tried),  # what was known is among the tried
        )


def figures_of(result: StudyResult, verdicts: Sequence[Verdict]) -> Figures:
    """Return every number that a version stands on, by name, and digests of what is many; unknown ones are None."""
    winner = result.winner
    found: dict[str, Any] = {
        "parameters": winner.point.parameters.content_hash(),
        "trials": _trials_digest(result),
        "walk_forward.efficiency": efficiency(result.steps),
        "train.score": winner.trial.score,
        "train.violation": winner.trial.violation,
    }
    for i, candidate in enumerate(result.candidates):
        found |= _evaluated(f"candidate_{i + 1}.validation", candidate.validation)
    rivals = {"held_out": result.held_out, "baseline": result.baseline, "champion": result.champion}
    for name, evaluation in rivals.items():
        found |= {} if evaluation is None else _evaluated(name, evaluation)
    for verdict in (each for each in verdicts if each.name != KERNEL):
        found |= {f"gate.{verdict.name}": verdict.value, f"gate.{verdict.name}.passed": str(verdict.passed)}
    return {name: _plain(value) for name, value in found.items()}


def _evaluated(prefix: str, evaluation: Evaluation) -> dict[str, Any]:
    found: dict[str, Any] = {f"{prefix}.score": evaluation.score}
    found |= {f"{prefix}.score.{name}": score for name, score in evaluation.others.items()}
    found |= {f"{prefix}.fold_{i + 1}": score for i, score in enumerate(evaluation.fold_scores)}
    rows = evaluation.metrics.rows()
    return found | {f"{prefix}.{regime}.{name}": value for name, regime, value in rows}


def _trials_digest(result: StudyResult) -> str:
    """Return the digest of all points and of what each scored on each fold."""
    rows = [[row.u, row.fold_scores, row.others, row.violations, row.figures] for row in result.trials]
    return hashlib.sha256(orjson.dumps(rows, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)).hexdigest()


def _plain(value: Any) -> float | str | None:
    if isinstance(value, str):
        return value
    number = float(value)
    return number if math.isfinite(number) else None


def different(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return the figures that are not equal to the last digit: name, then, now."""
    return [(name, then.get(name), now.get(name)) for name in {**then, **now} if then.get(name) != now.get(name)]
