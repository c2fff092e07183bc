"""How a flow is run: recorded by the Prefect server when one answers, else its body alone, with no server to wait for.

An embedded Prefect server would take 10 to 28 s to start, so it is never used.
"""

import functools
import importlib
import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from flows import log
from flows.platform import prefect_answers
from flows.servers import client_env
from flows.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


def run(settings: Settings, name: str, **parameters: Any) -> Any:
    """Run the flow `name` of `flows/` to its end and return what it returns; its errors come through unchanged."""
    recorded = prefect_answers(settings)
    # before Prefect is imported: it reads its settings then. Its own console lines would repeat ours.
    os.environ.update(client_env(settings) | {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"})
    flow = flow_of(name)
    where = settings.prefect_url if recorded else f"here, no Prefect server at {settings.prefect_url}"
    log.say("flow", name=name, run=where)
    return flow(**parameters) if recorded else flow.fn(**parameters)


def flow_of(name: str) -> Any:
    """Return a flow object by its name."""
    module = {"rollback": "promote", "rearm": "kill"}.get(name, name)
    return getattr(importlib.import_module(f"flows.{module}"), name)


def step(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function a Prefect task inside a flow run and leave it a plain call everywhere else.

    A bare task called outside a flow run would start an embedded server.
    """
    from prefect import task
    from prefect.context import FlowRunContext

    recorded = task(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        chosen = recorded if FlowRunContext.get() else function
        return chosen(*args, **kwargs)

    return call


def inside(flow: Any, **parameters: Any) -> Any:
    """Call one flow from the body of another: a sub-run when the outer one is recorded, else its body."""
    from prefect.context import FlowRunContext

    return flow(**parameters) if FlowRunContext.get() else flow.fn(**parameters)
