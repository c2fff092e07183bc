"""What a new study tries first: the champion, and the best trial of the last study of the same market and space."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from analytics.study.candidates import preferred
from analytics.study.settings import Objective
from analytics.study.space import Space
from analytics.study.store import read, rows_of
from analytics.study.trials import TrialRow
from strategy.errors import Failed
from strategy.policies.parameters import ParameterSet

SPACE: Final = "space"  # a study's attribute: what its points are points of
DIGITS: Final = 12  # of the digest that ends a study's name
FROM: Final = "from"  # a trial's attribute: who proposed it


def mark(study: Any, space: Space) -> None:
    """Write down what a study's points are points of, for the study after it."""
    study.set_user_attr(SPACE, _identity(space))


def propose(study: Any, space: Space, champion: ParameterSet | None, last: tuple[str, TrialRow] | None) -> None:
    """Put what is known to be good in front of the sampler's own proposals, no point twice."""
    known = {}
    if champion is not None and (place := _placed(space, champion)) is not None:
        known["champion"] = place
    if last is not None and last[1].u not in known.values():
        known[f"best of {last[0]}"] = last[1].u
    enqueue(study, known)


def enqueue(study: Any, known: Mapping[str, dict[str, float]]) -> None:
    """Put points in front of the sampler's own proposals, by who proposes them."""
    for source, u in known.items():
        study.enqueue_trial(u, user_attrs={FROM: source})


def best_of_last(folder: Path, name: str, space: Space, objective: Objective) -> tuple[str, TrialRow] | None:
    """Return the newest other study of a study's market and its best trial; None when its space was another.

    Studies that ended before their first trial do not count. Where both have the same several objectives the best is
    the point of its front that this study would choose.
    """
    market = name.rpartition("-")[0]
    others = [path for path in folder.glob(f"{market}-{'?' * DIGITS}.journal") if path.stem != name]
    for path in sorted(others, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        study = read(path)
        if study is not None and (rows := rows_of(study)):
            same = study.user_attrs.get(SPACE) == _identity(space)
            alike = objective if tuple(rows[0].others) == objective.also else Objective()
            return (path.stem, preferred(rows, alike)[0]) if same else None
    return None


def _placed(space: Space, parameters: ParameterSet) -> dict[str, float] | None:
    try:
        return space.locate(parameters)
    except Failed:  # its engine gives no sigma on this tape
        return None


def _identity(space: Space) -> str:
    """Return what two spaces have in common when a point of one means the same in the other."""
    return orjson.dumps([space.dimensions, space.settings.model_dump(mode="json")]).decode()
