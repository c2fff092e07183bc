"""Flow: search for better parameters, judge the winner, register it as challenger."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow

from analytics.study.settings import MOST_TRIALS
from flows import console, log, rooms
from flows.plan import StudyPlan, Wanted, plan_study, remember, resumed
from flows.runner import step
from flows.settings import load_settings
from flows.work import start_workers
from strategy.errors import Failed

if TYPE_CHECKING:
    from analytics.calibration import Calibration
    from analytics.study.study import StudyResult


@flow
def calibrate(
    trials: int | None = None,
    seed: int | None = None,
    base: str | None = None,
    changes: dict[str, Any] | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    resume: str | None = None,
    latency: str | None = None,
    venue: str | None = None,
    symbol: str | None = None,
    minutes: float | None = None,
    sampler: str | None = None,
    objective: list[str] | None = None,
    space: str | None = None,
    weights: dict[str, float] | None = None,
    prune: float | None = None,
    workers: int | None = None,
    fill_model: str | None = None,
) -> dict[str, Any]:
    """Study one symbol's tape; an interrupted study is kept and goes on with `resume`.

    `base` is a preset or a file, by default the champion; `changes` are single values of it by dotted name; `space` is
    a file that says what is searched. `latency`, `fill_model`, `sampler`, `objective` (several: a Pareto study), its
    `weights` and `prune` stand in place of the settings'.
    """
    settings = load_settings(venue=venue, symbol=symbol)
    if resume is not None:
        plan = resumed(settings, resume, trials, minutes)
    else:
        file, window = None if space is None else Path(space), (start_ns, end_ns)
        wanted = Wanted(
            trials, minutes, seed, base, changes or {}, window, sampler, tuple(objective or ()), file, latency
        )
        plan = plan_study(settings, replace(wanted, weights=weights or {}, prune=prune, fill_model=fill_model))
    return study(plan, workers)


@step
def study(plan: StudyPlan, workers: int | None = None) -> dict[str, Any]:
    """Load the tape, search, and let the room judge, log and register the winner."""
    from analytics.calibration import calibrate as search
    from analytics.gates.agreement import yesterday
    from analytics.study.study import Progress, study_name
    from analytics.tape.tape import load_tape

    settings = load_settings(venue=plan.venue, symbol=plan.symbol)
    window = (plan.start_ns, plan.end_ns)
    with rooms.lake(settings, read_only=True) as lake:
        tape, info = load_tape(lake, plan.venue, plan.symbol, *window, cache=settings.home / "tape")
    wanted = plan.search(settings)
    registry = rooms.registry(settings)
    with rooms.lake(settings, read_only=True) as lake:
        agreed = yesterday(lake, registry, info, wanted.replay)
    name = study_name(info, plan.base, wanted)
    remember(settings, name, plan)
    log.say("study", name=name, trials=plan.trials, updates=len(tape.update_exch), trades=len(tape.trade_exch))
    start_workers(settings, name, settings.study.shared.runs if workers is None else workers)
    with console.progress("trials") as bar:

        def show(seen: Progress) -> None:
            bar(seen.done, None if seen.total == MOST_TRIALS else seen.total, seen.note)

        done = search(registry, tape, info, plan.base, wanted, settings.gates, show, None, agreed, window)
    if done.result.interrupted:
        of_so_many = "" if plan.trials == MOST_TRIALS else f" of {plan.trials}"
        kept = f"{len(done.result.trials)}{of_so_many} trials are kept"
        raise Failed(f"interrupted: {kept}; go on with microvol calibrate --resume {name}")
    return summary(done)


def summary(done: "Calibration") -> dict[str, Any]:
    """Return what people ask for first: the version, its gates, its figures on the held-out fold, where time went."""
    from analytics.gates.verdicts import gate_rows
    from analytics.study.walk_forward import efficiency

    result, logged, document = done.result, done.logged, done.document
    assert logged is not None
    assert document is not None
    figures = result.held_out.metrics.overall
    return {
        "version": document.version,
        "passed": done.passed,
        "gates": done.gates,
        "verdicts": gate_rows(document),
        "front": front_rows(result),
        "score": result.held_out.score,
        "baseline_score": result.baseline.score,
        "edge_bps": figures["edge_bps"],
        "baseline_edge_bps": result.baseline.metrics.overall["edge_bps"],
        "fills_held_out": figures["fills"],
        "pnl_held_out_quote": figures["excess_pnl_quote"],
        "walk_forward_efficiency": efficiency(result.steps),
        "trials": len(result.trials),
        "pruned": sum(row.pruned for row in result.trials),
        "study": result.name,
        "run_id": logged.run_id,
        **{f"{part}_seconds": spent for part, spent in result.seconds.items()},
        "gates_seconds": done.gate_seconds,
        "logging_seconds": logged.seconds,
    }


def front_rows(result: "StudyResult") -> list[dict[str, Any]]:
    """Return the points of a Pareto study, the winner first, with their scores on validation; else none."""
    from analytics.study.candidates import left_on_front

    measures = result.settings.objective.measures
    if len(measures) < 2:
        return []
    left = left_on_front(result.candidates)
    return [
        {"trial": each.trial.number, "still on it": any(each is other for other in left)}
        | dict(zip(measures, each.validation.goals, strict=True))
        for each in result.candidates
    ]
