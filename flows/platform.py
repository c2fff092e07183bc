"""The servers behind the flows, on loopback unless told otherwise: started, awaited, told of deployments, stopped."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import httpx

from flows import access, notify, processes
from flows.servers import POOL as POOL
from flows.servers import SERVICES, client_env, server
from flows.settings import ROOT, Settings
from strategy.errors import Failed

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Service:
    """One server of the platform as it stands now."""

    name: str
    url: str
    pid: int | None
    up: bool


def answers(url: str, timeout_s: float = 0.4) -> bool:
    """Say whether a health address answers 200 within the time."""
    try:
        return httpx.get(url, timeout=timeout_s, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def prefect_answers(settings: Settings, timeout_s: float = 0.4) -> bool:
    """Say whether the Prefect API of the settings answers within the time."""
    return answers(f"{settings.prefect_url}/health", timeout_s)


def tracking_uri(settings: Settings) -> str:
    """Return where MLflow keeps its records: the setting, the local server when it answers, else its database."""
    if settings.tracking_uri:
        return settings.tracking_uri
    return settings.mlflow_url if answers(f"{settings.mlflow_url}/health") else settings.mlflow_store


def services(settings: Settings) -> list[Service]:
    """Return how each server stands."""
    found = []
    for name in SERVICES:
        record = processes.running(settings.home, name)
        answering, url = _answering(settings, name)
        up = record is not None if name == "worker" else answering
        found.append(Service(name, url, record.pid if record else None, up))
    return found


def up(settings: Settings, say: Say, parts: tuple[str, ...] = SERVICES, host: str = access.LOOPBACK) -> None:
    """Start what does not run, wait until each answers, apply deployments and alerts; a second call changes nothing.

    Beyond loopback the servers listen only with a password.
    """
    access.check_host(host)
    with processes.turn(settings.home, "platform"):
        for name in parts:
            if name != "worker":
                _start(settings, name, host, say)
        _wait(settings, parts, say)
        if "worker" in parts:
            deploy(settings, say)
            notify.apply(settings, say)
            _start(settings, "worker", host, say)


def serve(settings: Settings, name: str, host: str, say: Say) -> NoReturn:
    """Become one service of the platform, for whoever watches processes here: signals reach it and nothing else."""
    access.check_host(host)
    if name == "worker":
        _wait(settings, ("prefect",), say, watched=False)
        deploy(settings, say)
        notify.apply(settings, say)
    else:
        prepare(settings, name, say)
    command, env = server(settings, name, host)
    os.chdir(ROOT)
    os.execve(command[0], command, {**os.environ, **env})


def down(settings: Settings, say: Say) -> None:
    """Stop quoting first, then recording, then the servers: exactly the processes remembered under home."""
    with processes.turn(settings.home, "platform"):
        held = [name for name in processes.records(settings.home) if name not in SERVICES]
        order = [*sorted(held, key=lambda name: (not name.startswith("quote"), name)), "worker", "mlflow", "prefect"]
        for name in order:
            ended = processes.stop(settings.home, name, grace_s=60.0 if name.startswith("quote") else 8.0)
            say(f"{name}: {'stopped' if ended else 'was not running'}")


def deploy(settings: Settings, say: Say) -> None:
    """Apply every deployment of `prefect.yaml` to the server."""
    prefect = [sys.executable, "-m", "prefect", "--no-prompt"]
    _once(settings, [*prefect, "work-pool", "create", POOL, "--type", "process", "--overwrite"], "work pool")
    _once(settings, [*prefect, "deploy", "--all", "--prefect-file", str(ROOT / "prefect.yaml")], "deployments")
    say("deployments: applied")


def _once(settings: Settings, command: list[str], what: str) -> None:
    """Run a short command of a platform tool; its output is shown only when it fails."""
    env = {**os.environ, **client_env(settings)}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode != 0:
        raise Failed(f"{what} could not be set up: {_last_line(done.stdout + done.stderr)}")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def prepare(settings: Settings, name: str, say: Say) -> None:
    """Make the folder of a server and, once, MLflow's database: two processes that meet on a fresh one break it."""
    folder = settings.home / name
    if name == "worker":
        return
    folder.mkdir(parents=True, exist_ok=True)
    if name == "mlflow" and not (folder / "mlflow.db").exists():
        say("mlflow: preparing its database")
        _once(settings, [sys.executable, "-m", "mlflow", "db", "upgrade", settings.mlflow_store], "MLflow database")


def _start(settings: Settings, name: str, host: str, say: Say) -> None:
    """Start a service unless it runs."""
    answering, url = _answering(settings, name)
    if answering or processes.running(settings.home, name):
        say(f"{name}: already at {url}")
        return
    prepare(settings, name, say)
    command, env = server(settings, name, host)
    processes.start(settings.home, name, command, env)
    say(f"{name}: starting at {url}")


def _answering(settings: Settings, name: str) -> tuple[bool, str]:
    if name == "prefect":
        return prefect_answers(settings), settings.prefect_url
    if name == "mlflow":
        return answers(f"{settings.mlflow_url}/health"), settings.mlflow_url
    return False, f"pool {POOL}"


def _wait(settings: Settings, parts: tuple[str, ...], say: Say, timeout_s: float = 180.0, watched: bool = True) -> None:
    """Wait until every server answers; of those that are watched one that dies is named with its log at once."""
    begun = time.monotonic()
    urls = {"prefect": f"{settings.prefect_url}/health", "mlflow": f"{settings.mlflow_url}/health"}
    waiting = {name: url for name, url in urls.items() if name in parts}
    while waiting:
        for name in [name for name, url in waiting.items() if answers(url, 1.0)]:
            del waiting[name]
            say(f"{name}: answers after {time.monotonic() - begun:.0f} s")
        for name in waiting:
            _still_alive(settings, name, time.monotonic() - begun, timeout_s, watched)
        time.sleep(0.3 if waiting else 0)


def _still_alive(settings: Settings, name: str, waited_s: float, timeout_s: float, watched: bool) -> None:
    log = processes.run_folder(settings.home) / f"{name}.log"
    if watched and processes.running(settings.home, name) is None:
        raise Failed(f"{name} ended while starting; its log {log} ends: {_tail(log)}")
    if waited_s > timeout_s:
        raise Failed(f"{name} did not answer within {timeout_s:.0f} s; see {log}")


def _tail(log: Path) -> str:
    return _last_line(log.read_text(errors="replace")) if log.exists() else "nothing"
