"""Flow: replay for a study that another process runs, here or on another machine."""

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from prefect import flow
from pydantic import ValidationError

from flows import log, rooms
from flows.plan import StudyPlan
from flows.platform import POOL, prefect_answers
from flows.settings import Settings, load_settings
from flows.supervised import ended_by_signals
from strategy.errors import BadInput, Failed
from strategy.policies.faults import one_line

if TYPE_CHECKING:
    from analytics.study.workers import Prepared

DEPLOYMENT: Final = "work/work"


@flow
def work(study: str | None = None, threads: int | None = None) -> dict[str, Any]:
    """Replay for a study until it is over, or for whatever study there is until SIGTERM or Ctrl-C."""
    from analytics.study import workers

    shared = load_settings().study.shared
    if not shared.storage:
        raise BadInput("study.shared.storage is not set: it says where studies are shared")
    stop = threading.Event()
    with ended_by_signals(stop.set):
        done = workers.work(shared, study, partial(prepared, threads), stop, _say)
    return {"trials": done, "stopped": stop.is_set()}


def prepared(threads: int | None, plan: str) -> "Prepared":
    """Make a study of its plan, by this machine's settings and from the lake that it sees."""
    from analytics.study.folds import split
    from analytics.study.study import bench_of, study_name
    from analytics.study.workers import Prepared
    from analytics.tape.tape import load_tape

    found = _read(plan)
    settings = load_settings(venue=found.venue, symbol=found.symbol)
    wanted = found.search(settings)
    own = wanted.search.model_copy(update={"workers": settings.study.workers if threads is None else threads})
    with rooms.lake(settings, read_only=True) as lake:
        window = (found.start_ns, found.end_ns)
        tape, info = load_tape(lake, found.venue, found.symbol, *window, cache=settings.home / "tape")
    name = study_name(info, found.base, wanted)
    log.say("joined", study=name, updates=len(tape.update_exch), trades=len(tape.trade_exch))
    return Prepared(name, bench_of(tape, info, replace(wanted, search=own)), split(tape, wanted.folds), wanted)


def start_workers(settings: Settings, study: str, count: int) -> None:
    """Start so many workers of a study in the work pool, on whatever machines have a Prefect worker on it."""
    if count == 0:
        return
    if not settings.study.shared.storage:
        raise BadInput(f"workers were {count}, and study.shared.storage does not say where they meet")
    if not prefect_answers(settings):
        raise Failed(
            f"no Prefect server at {settings.prefect_url} can start {count} workers: start microvol work itself"
        )
    from prefect.deployments import run_deployment

    for number in range(count):
        name = f"{study}-{number + 1}"
        run_deployment(DEPLOYMENT, parameters={"study": study}, flow_run_name=name, timeout=0, as_subflow=False)
    log.say("workers", study=study, runs=count, pool=POOL)


def _read(plan: str) -> StudyPlan:
    try:
        return StudyPlan.model_validate_json(plan)
    except ValidationError as error:
        raise Failed(f"the study's plan cannot be read: {one_line(error, StudyPlan)}") from error


def _say(study: str, trials: int) -> None:
    log.say("replayed", study=study, trials=trials)
