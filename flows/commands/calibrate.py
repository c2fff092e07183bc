"""The command that searches parameters, and that computes a registered version once more."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from analytics.study.settings import MEASURES, SamplerName
from flows import console
from flows.commands import options
from flows.commands.models import GATE_COLUMNS, Trials
from flows.runner import run
from flows.settings import Settings
from strategy.errors import BadInput, Failed

REPRODUCED: Final = ("figure", "then", "now")
CHANGED: Final = ("changed since", "then", "now")

Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Default from the settings.")]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", min=0.01, help="Begin no batch after so many; without --trials the only limit."),
]
Sampler = Annotated[SamplerName | None, typer.Option("--sampler", help="Who proposes trials.")]
Goals = Annotated[
    list[str] | None,
    typer.Option(
        "--objective",
        metavar="|".join(MEASURES),
        help="What is maximised; two or three, repeated, make a Pareto study.",
    ),
]
Weights = Annotated[
    list[str] | None,
    typer.Option("--weight", metavar="OBJECTIVE=NUMBER", help="Choose from the front by these; default its knee."),
]
Prune = Annotated[
    float | None,
    typer.Option("--prune", min=0.0, max=0.5, help="Stop trials behind the best with this p-value; 0 = never."),
]
Space = Annotated[Path | None, typer.Option("--space", help="A TOML file that says what is searched.")]
Workers = Annotated[int | None, typer.Option("--workers", min=0, help="Runs in the work pool that replay too.")]
Reproduce = Annotated[
    int | None,
    typer.Option("--reproduce", min=1, metavar="VERSION", help="Compute a version's numbers again and compare."),
]


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(calibrate)


def calibrate(
    trials: Trials = None,
    seed: Seed = None,
    base: Annotated[
        str | None,
        typer.Option("--base", "--params", help="Where to start: a preset or a JSON file; default the champion."),
    ] = None,
    spread: Annotated[str | None, typer.Option("--spread", help="Its spread policy, any registered one.")] = None,
    changes: options.Changes = None,
    start: options.Start = None,
    end: options.End = None,
    minutes: Minutes = None,
    sampler: Sampler = None,
    objective: Goals = None,
    weight: Weights = None,
    prune: Prune = None,
    space: Space = None,
    workers: Workers = None,
    resume: Annotated[str | None, typer.Option("--resume", help="Go on with an interrupted study.")] = None,
    reproduce: Reproduce = None,
    latency: options.Latency = None,
    fill_model: options.FillModel = None,
    venue: options.Venue = None,
    symbol: options.Symbol = None,
) -> None:
    """Search for better parameters, check the gates, register the winner as challenger.

    Ctrl-C keeps the trials that are done and says how to go on. --reproduce VERSION computes a version once more from
    its snapshot of the lake, its settings and its seed; it fails when a number is another, and says what changed.
    """
    settings = options.settings_for(venue, symbol)
    wanted: dict[str, Any] = {
        "trials": trials,
        "seed": seed,
        "base": base,
        "changes": ({"spread.policy": spread} if spread else {}) | options.changes(changes),
        "start_ns": options.instant(start, "--start"),
        "end_ns": options.instant(end, "--end"),
        "resume": resume,
        "minutes": minutes,
        "sampler": sampler,
        "objective": _objectives(objective),
        "weights": _weights(weight),
        "prune": prune,
        "workers": workers,
        "space": None if space is None else str(space),
        "latency": options.line(latency),
        "fill_model": options.fill_model(fill_model),
    }
    if reproduce is not None:
        _reproduce(settings, reproduce, [name for name, value in wanted.items() if value not in (None, {}, [])])
        return
    done = run(settings, "calibrate", **wanted, venue=settings.venue, symbol=settings.symbol)
    verdicts, front = done.pop("verdicts"), done.pop("front")
    console.facts("calibrated", done)
    if front:
        console.table(
            "Pareto front of the train folds, scores on the validation folds",
            list(front[0]),
            [list(row.values()) for row in front],
        )
    console.table(f"gates of version {done['version']}", GATE_COLUMNS, verdicts)


def _objectives(named: list[str] | None) -> list[str]:
    """Check the names of objectives."""
    for name in named or []:
        if name not in MEASURES:
            raise BadInput(f"--objective was {name!r}, known are {', '.join(MEASURES)}")
    return named or []


def _weights(texts: list[str] | None) -> dict[str, float]:
    """Read `--weight NAME=NUMBER`."""
    found = {}
    for text in texts or []:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError as error:
            raise BadInput(f"--weight was {text!r}: write an objective and a number, like pnl=2") from error
    return found


def _reproduce(settings: Settings, version: int, others: list[str]) -> None:
    """Show how a version's numbers compare with those computed now; another number is a failure."""
    if others:
        raise BadInput(f"--reproduce computes a version as it was, without {', '.join(others)}")
    done = run(settings, "reproduce", version=version, venue=settings.venue, symbol=settings.symbol)
    if done["changed"]:
        console.table(f"version {version}", CHANGED, done["changed"])
    if done["different"]:
        console.table(f"version {version}", REPRODUCED, done["different"])
        raise Failed(done["said"])
    console.line(done["said"])
