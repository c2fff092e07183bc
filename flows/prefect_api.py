"""A plain client of Prefect's REST API, for what needs no flow and must not start a server."""

import time
from typing import Any, Final, Literal

import httpx

from flows import access
from flows.settings import Settings
from strategy.errors import Failed

ANSWER_S: Final = 10.0
BUSY_S: Final = 30.0
PAUSE_S: Final = 0.5
PAGE: Final = 200

Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]


def call(settings: Settings, method: Method, path: str, body: Any = None) -> Any:
    """Ask the server and return what it answers; Failed when it does not, or refuses.

    503 is what it says while its database is locked: nothing was done, and it is asked again for a while.
    """
    deadline = time.monotonic() + BUSY_S
    try:
        reply = _asked(settings, method, path, body)
        while reply.status_code == httpx.codes.SERVICE_UNAVAILABLE and time.monotonic() < deadline:
            time.sleep(PAUSE_S)
            reply = _asked(settings, method, path, body)
        reply.raise_for_status()
    except httpx.HTTPStatusError as error:
        said = f"{error.response.status_code} {error.response.text[:200]}"
        raise Failed(f"Prefect at {settings.prefect_url} refused {method} {path}: {said}") from error
    except httpx.HTTPError as error:
        raise Failed(f"Prefect at {settings.prefect_url} did not answer {method} {path}: {error!r}") from error
    return reply.json() if reply.content else None


def _asked(settings: Settings, method: Method, path: str, body: Any) -> httpx.Response:
    address, auth = f"{settings.prefect_url}/{path}", access.basic_auth()
    return httpx.request(method, address, json=body, timeout=ANSWER_S, auth=auth, trust_env=False)


def flow_run(settings: Settings, run_id: str) -> dict[str, Any] | None:
    """Return a run, None where the server does not know it."""
    found = call(settings, "POST", "flow_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}})
    return found[0] if found else None


def deployment_id(settings: Settings, name: str) -> str:
    """Return the id of a deployment by its name, which is its flow's too."""
    found = call(settings, "POST", "deployments/filter", {"deployments": {"name": {"any_": [name]}}})
    if not found:
        raise Failed(f"Prefect at {settings.prefect_url} has no deployment {name}: microvol up applies them")
    return str(found[0]["id"])


def start_run(settings: Settings, deployment: str, parameters: dict[str, Any], name: str | None = None) -> str:
    """Have a worker run a deployment, by its id, and return the run's id."""
    body: dict[str, Any] = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    run = call(settings, "POST", f"deployments/{deployment}/create_flow_run", body | ({"name": name} if name else {}))
    return str(run["id"])


def newest_runs(settings: Settings, deployment: str, states: list[str], limit: int = PAGE) -> list[dict[str, Any]]:
    """Return the runs of a deployment, by its name, that are in one of these state types, newest first."""
    wanted = {
        "deployments": {"name": {"any_": [deployment]}},
        "flow_runs": {"state": {"type": {"any_": states}}},
        "sort": "START_TIME_DESC",
        "limit": limit,
    }
    found: list[dict[str, Any]] = call(settings, "POST", "flow_runs/filter", wanted)
    return found


def crash(settings: Settings, run_id: str, why: str) -> None:
    """Say that a run's process is gone, so that its place among the concurrent ones is free."""
    state = {"type": "CRASHED", "name": "Crashed", "message": why}
    call(settings, "POST", f"flow_runs/{run_id}/set_state", {"state": state, "force": True})
