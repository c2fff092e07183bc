"""Flow: search for better parameters, judge the winner, register it as challenger."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import console, log, rooms
from flows.plan import StudyPlan, plan_study, remember, resumed
from flows.runner import step
from flows.settings import load_settings
from strategy.errors import Failed


@flow
def calibrate(
    trials: int | None = None,
    seed: int | None = None,
    spread: str | None = None,
    params: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    resume: str | None = None,
    venue: str | None = None,
    symbol: str | None = None,
) -> dict[str, Any]:
    """Study one symbol's tape; an interrupted study is kept and goes on with `resume`."""
    settings = load_settings(venue=venue, symbol=symbol)
    if resume is not None:
        plan = resumed(settings, resume, trials)
    else:
        window = (start_ns, end_ns)
        plan = plan_study(settings, trials, seed, spread, Path(params) if params else None, window)
    return study(plan)


@step
def study(plan: StudyPlan) -> dict[str, Any]:
    """Load the tape, search, judge, log and register."""
    from analytics.study import Progress, run_study, study_name
    from analytics.tape import load_tape
    from flows.challenger import register_winner

    settings = load_settings(venue=plan.venue, symbol=plan.symbol)
    registry = rooms.registry(settings)
    champion = registry.champion(plan.venue, plan.symbol)
    with rooms.lake(settings, read_only=True) as lake:
        tape, info = load_tape(lake, plan.venue, plan.symbol, plan.start_ns, plan.end_ns, cache=settings.home / "tape")
    search = plan.search(settings)
    name = study_name(info, plan.base, search)
    remember(settings, name, plan)
    log.say("study", name=name, trials=plan.trials, updates=len(tape.update_exch), trades=len(tape.trade_exch))
    with console.progress("trials") as bar:

        def show(seen: Progress) -> None:
            bar(seen.done, seen.total, f"best {seen.best:.3g}")

        found = run_study(tape, info, plan.base, search, show, champion=champion.parameters if champion else None)
    if found.interrupted:
        done = f"{len(found.trials)} of {plan.trials} trials are kept"
        raise Failed(f"interrupted: {done}; go on with microvol calibrate --resume {name}")
    return register_winner(registry, found, info)
