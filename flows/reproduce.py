"""Flow: compute a registered version once more and compare its numbers."""

from typing import TYPE_CHECKING, Any

from prefect import flow
from pydantic import BaseModel

from flows import console, log, rooms
from flows.runner import step
from flows.settings import Settings, load_settings

if TYPE_CHECKING:
    from analytics.registry.recipe import Recipe


@flow
def reproduce(version: int, venue: str | None = None, symbol: str | None = None) -> dict[str, Any]:
    """Search, judge and compare; what differs is returned, not raised. Nothing is logged or registered."""
    return compute(version, venue, symbol)


@step
def compute(version: int, venue: str | None, symbol: str | None) -> dict[str, Any]:
    """Read the version's tape from its own snapshot of the lake and let the room compute and compare."""
    from analytics.reproduction import known_recipe, tape_again
    from analytics.reproduction import reproduce as again

    settings = load_settings(venue=venue, symbol=symbol)
    registry = rooms.registry(settings)
    document = registry.document(settings.venue, settings.symbol, version)
    recipe = known_recipe(registry, document)
    with (
        console.waiting(f"loading {settings.symbol}"),
        rooms.lake(settings, read_only=True, snapshot=document.provenance.lake_snapshot) as lake,
    ):
        tape, info = tape_again(lake, document, recipe)
    log.say("reproduce", version=version, study=document.provenance.study, trials=recipe.trials)
    with console.progress("trials") as bar:
        done = again(
            document,
            recipe,
            tape,
            info,
            settings.home / "tape",
            lambda seen: bar(seen.done, seen.total, seen.note),
        )
    return {
        "different": [list(row) for row in done.different],
        "changed": [*map(list, done.changed), *settings_changed(settings, recipe)],
        "said": done.said,
    }


def settings_changed(settings: Settings, recipe: "Recipe") -> list[list[str]]:
    """Return the settings of today that are others than the version's, with which it is computed all the same."""
    study = settings.study
    pairs: dict[str, tuple[BaseModel, BaseModel]] = {
        "study": (recipe.search, study.search),
        "study.folds": (recipe.folds, study.folds),
        "study.objective": (recipe.objective, study.objective),
        "calibrate.search": (recipe.space, settings.calibrate.search),
        "gates": (recipe.gates, settings.gates),
    }
    found = []
    for table, (then, now) in pairs.items():
        for name in type(then).model_fields:
            before, after = getattr(then, name), getattr(now, name)
            if before != after:
                found.append([f"setting {table}.{name} (the version's is used)", str(before), str(after)])
    return found
