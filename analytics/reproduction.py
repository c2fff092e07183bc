"""A registered version computed once more, and whether its numbers come out equal to the last digit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from analytics.calibration import document_of
from analytics.gates.evidence import gather
from analytics.gates.gates import judge
from analytics.lake.store import Lake
from analytics.registry.made_with import differences, made_with
from analytics.registry.recipe import Recipe, different, figures_of
from analytics.registry.registry import Registry
from analytics.study.study import Progress, run_study
from analytics.tape.tape import load_tape
from strategy.errors import Failed
from strategy.policies.document import ParameterDocument
from strategy.replay.tape import Tape, TapeInfo

SHOWN: Final = 3  # figures that the closing line names


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How the numbers of a version compare (name, then, now): those that differ, and what else changed since."""

    version: int
    figures: int
    different: tuple[tuple[str, Any, Any], ...]
    changed: tuple[tuple[str, str, str], ...]

    @property
    def said(self) -> str:
        """Return the outcome in one line."""
        if not self.different:
            return f"version {self.version} is reproduced: {self.figures} figures, equal to the last digit"
        named = ", ".join(f"{name} was {then}, is {now}" for name, then, now in self.different[:SHOWN])
        more = ", …" if len(self.different) > SHOWN else ""
        since = ", ".join(name for name, _, _ in self.changed) or "nothing that is kept track of"
        count = f"{len(self.different)} of {self.figures} figures differ"
        return f"version {self.version} is not reproduced: {count} ({named}{more}); changed since: {since}"


def known_recipe(registry: Registry, document: ParameterDocument) -> Recipe:
    """Return how a version was computed; one that was registered without its recipe cannot be computed again."""
    place = document.instrument
    text = registry.recipe(place.venue, place.symbol, document.version)
    if text is None or document.provenance.lake_snapshot is None:
        raise Failed(f"version {document.version} was registered without what it takes to compute it again")
    return Recipe.read(text, f"version {document.version}")


def tape_again(lake: Lake, document: ParameterDocument, recipe: Recipe) -> tuple[Tape, TapeInfo]:
    """Return a version's tape from its own snapshot of the lake, read anew; another tape is a failure."""
    place = document.instrument
    tape, info = load_tape(lake, place.venue, place.symbol, *recipe.window)
    known = document.provenance.tape_fingerprint
    if info.fingerprint != known:
        then, now = str(known)[:12], info.fingerprint[:12]
        since = ", ".join(name for name, _, _ in differences(recipe.made_with, made_with())) or "nothing else"
        snapshot = document.provenance.lake_snapshot
        raise Failed(f"the tape of lake snapshot {snapshot} was {then}…, is {now}…; changed since: {since}")
    return tape, info


def reproduce(
    document: ParameterDocument,
    recipe: Recipe,
    tape: Tape,
    info: TapeInfo,
    index_dir: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Reproduction:
    """Search, judge and compare; nothing is logged or registered."""
    settings = replace(recipe.settings(), index_dir=index_dir)
    result = run_study(tape, info, recipe.base, settings, progress, champion=recipe.champion)
    if result.interrupted:
        raise Failed(f"interrupted: version {document.version} was not computed to its end")
    unjudged = document_of(result, info, (), None)
    evidence = gather(result, tape, info, unjudged, recipe.gates, recipe.champion, recipe.yesterday)
    now = figures_of(result, judge(evidence))
    return Reproduction(
        version=document.version,
        figures=len(recipe.figures),
        different=tuple(different(recipe.figures, now)),
        changed=tuple(differences(recipe.made_with, made_with())),
    )
