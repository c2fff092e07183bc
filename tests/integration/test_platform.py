"""The real servers: up, a scheduled run that really appears, a command recorded as a run, down."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from flows import platform, processes
from flows.settings import Settings, load_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(seen: Callable[[], Any], what: str, seconds: float = 120.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = seen()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    ports = {name: free_port() for name in ("prefect", "mlflow", "paper")}
    return load_settings(home=tmp_path_factory.mktemp("home"), ports=ports, prefect_api_url=None).model_copy(
        update={"prefect_api_url": f"http://127.0.0.1:{ports['prefect']}/api"}
    )


@pytest.fixture(scope="module")
def platform_up(settings: Settings) -> Iterator[list[str]]:
    said: list[str] = []
    try:
        platform.up(settings, said.append)
        yield said
    finally:
        platform.down(settings, said.append)


def post(settings: Settings, path: str, body: dict[str, Any]) -> Any:
    reply = httpx.post(f"{settings.prefect_url}/{path}", json=body, timeout=10, trust_env=False)
    return reply.raise_for_status().json()


def runs(settings: Settings, flow: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = post(settings, "flow_runs/filter", {"flows": {"name": {"any_": [flow]}}})
    return found


def test_every_server_answers_and_up_says_so(settings: Settings, platform_up: list[str]) -> None:
    assert [(each.name, each.up, each.pid is not None) for each in platform.services(settings)] == [
        ("prefect", True, True),
        ("mlflow", True, True),
        ("worker", True, True),
    ]
    assert any(line.startswith("mlflow: answers after") for line in platform_up)


def test_a_second_up_starts_nothing(settings: Settings, platform_up: list[str]) -> None:
    before = processes.records(settings.home)
    platform.up(settings, platform_up.append)
    assert processes.records(settings.home) == before


def test_a_scheduled_run_appears_and_the_worker_completes_a_run(settings: Settings, platform_up: list[str]) -> None:
    until(lambda: [run for run in runs(settings, "ingest") if run["auto_scheduled"]], "a scheduled run of ingest")
    deployment = post(settings, "deployments/filter", {"deployments": {"name": {"any_": ["ingest"]}}})[0]
    run = post(settings, f"deployments/{deployment['id']}/create_flow_run", {})

    def ended() -> str | None:
        state = httpx.get(f"{settings.prefect_url}/flow_runs/{run['id']}", trust_env=False).json()["state"]
        return state["type"] if state["type"] in ("COMPLETED", "FAILED", "CRASHED") else None

    assert until(ended, "the end of the run") == "COMPLETED"


def test_the_deployments_are_those_of_the_contract(settings: Settings, platform_up: list[str]) -> None:
    found = {each["name"]: each for each in post(settings, "deployments/filter", {})}
    scheduled = {"ingest", "lake-care", "nightly", "report"}
    names = scheduled | {"calibrate", "promote", "quote", "record", "rollback", "work"}
    assert set(found) == names
    for name in ("quote", "record"):
        assert found[name]["global_concurrency_limit"]["limit"] == 1
        assert found[name]["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert {name for name in names if found[name]["schedules"]} == scheduled


def test_a_command_is_recorded_as_a_run(settings: Settings, platform_up: list[str]) -> None:
    env = {**os.environ, **platform.client_env(settings)}
    command = [sys.executable, "-c", "from flows.cli import main; main()", "ingest"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert f"flow name=ingest run={settings.prefect_url}" in done.stderr
    until(lambda: [run for run in runs(settings, "ingest") if not run["deployment_id"]], "the command's run", 20)


def test_down_ends_exactly_what_up_started_and_can_be_repeated(settings: Settings, tmp_path: Path) -> None:
    pids = [record.pid for record in processes.records(settings.home).values()]
    said: list[str] = []
    platform.down(settings, said.append)
    assert said[-3:] == ["worker: stopped", "mlflow: stopped", "prefect: stopped"]
    assert [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"] == []
    platform.down(settings, said.append)
    assert said[-1] == "prefect: was not running"
