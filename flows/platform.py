"""The servers behind the flows, on loopback: Prefect server, MLflow server, one process worker, deployments.

Facts behind the environment below: with the default lease storage a restart of the server kills a live flow 223 s
later; two processes that meet on a fresh MLflow database leave it broken, so it is upgraded once before; MLflow's job
execution costs two gigabytes and is not used; no telemetry leaves the machine.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from flows import processes
from flows.settings import ROOT, Settings
from strategy.errors import Failed

POOL: Final = "microvol"
SERVICES: Final = ("prefect", "mlflow", "worker")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Service:
    """One server of the platform as it stands now."""

    name: str
    url: str
    pid: int | None
    up: bool


def quiet_env() -> dict[str, str]:
    """Return the variables that keep every library from calling home."""
    return {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    }


def client_env(settings: Settings) -> dict[str, str]:
    """Return the environment of every process that talks to Prefect, MLflow or reads our settings."""
    return quiet_env() | {
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_API_URL": settings.prefect_url,
        "PREFECT_LOGGING_EXTRA_LOGGERS": "microvol",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "MICROVOL_HOME": str(settings.home),
        "MICROVOL_ROOT": str(ROOT),
        "MICROVOL_VENUE": settings.venue,
        "MICROVOL_SYMBOL": settings.symbol,
        **{f"MICROVOL_PORTS__{name.upper()}": str(port) for name, port in settings.ports},
    }


def prefect_env(settings: Settings) -> dict[str, str]:
    """Return the environment of the Prefect server."""
    database = settings.home / "prefect" / "prefect.db"
    return client_env(settings) | {
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database}",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_UI_API_URL": settings.prefect_url,
    }


def mlflow_env() -> dict[str, str]:
    """Return the environment of the MLflow server."""
    return quiet_env() | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


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
    for name, url, up in (
        ("prefect", settings.prefect_url, prefect_answers(settings)),
        ("mlflow", settings.mlflow_url, answers(f"{settings.mlflow_url}/health")),
        ("worker", f"pool {POOL}", processes.running(settings.home, "worker") is not None),
    ):
        record = processes.running(settings.home, name)
        found.append(Service(name, url, record.pid if record else None, up))
    return found


def up(settings: Settings, say: Say, parts: tuple[str, ...] = SERVICES) -> None:
    """Start what does not run yet, wait until each answers, apply the deployments; a second call changes nothing."""
    with processes.turn(settings.home, "platform"):
        if "prefect" in parts:
            _start_prefect(settings, say)
        if "mlflow" in parts:
            _start_mlflow(settings, say)
        _wait(settings, parts, say)
        if "worker" in parts:
            deploy(settings, say)
            _start_worker(settings, say)


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


def _start_prefect(settings: Settings, say: Say) -> None:
    if prefect_answers(settings) or processes.running(settings.home, "prefect"):
        say(f"prefect: already at {settings.prefect_url}")
        return
    (settings.home / "prefect").mkdir(parents=True, exist_ok=True)
    port = str(settings.ports.prefect)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    processes.start(settings.home, "prefect", command, prefect_env(settings))
    say(f"prefect: starting at {settings.prefect_url}")


def _start_mlflow(settings: Settings, say: Say) -> None:
    if answers(f"{settings.mlflow_url}/health") or processes.running(settings.home, "mlflow"):
        say(f"mlflow: already at {settings.mlflow_url}")
        return
    folder = settings.home / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "mlflow.db").exists():
        say("mlflow: preparing its database")
        _once(settings, [sys.executable, "-m", "mlflow", "db", "upgrade", settings.mlflow_store], "MLflow database")
    processes.start(settings.home, "mlflow", mlflow_command(settings), mlflow_env())
    say(f"mlflow: starting at {settings.mlflow_url}")


def mlflow_command(settings: Settings) -> list[str]:
    """Return the command line of the MLflow server; artifacts are files, readable without the server too."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(settings.ports.mlflow)]
    command += ["--backend-store-uri", settings.mlflow_store, "--workers", "1", "--no-serve-artifacts"]
    return [*command, "--default-artifact-root", (settings.home / "mlflow" / "artifacts").as_uri()]


def _start_worker(settings: Settings, say: Say) -> None:
    if processes.running(settings.home, "worker"):
        say("worker: already running")
        return
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    processes.start(settings.home, "worker", command, client_env(settings))
    say(f"worker: started on pool {POOL}")


def _wait(settings: Settings, parts: tuple[str, ...], say: Say, timeout_s: float = 180.0) -> None:
    """Wait until every server answers; a server that dies is named with its log at once."""
    begun = time.monotonic()
    urls = {"prefect": f"{settings.prefect_url}/health", "mlflow": f"{settings.mlflow_url}/health"}
    waiting = {name: url for name, url in urls.items() if name in parts}
    while waiting:
        for name in [name for name, url in waiting.items() if answers(url, 1.0)]:
            del waiting[name]
            say(f"{name}: answers after {time.monotonic() - begun:.0f} s")
        for name in waiting:
            _still_alive(settings, name, time.monotonic() - begun, timeout_s)
        time.sleep(0.3 if waiting else 0)


def _still_alive(settings: Settings, name: str, waited_s: float, timeout_s: float) -> None:
    log = processes.run_folder(settings.home) / f"{name}.log"
    if processes.running(settings.home, name) is None:
        raise Failed(f"{name} ended while starting; its log {log} ends: {_tail(log)}")
    if waited_s > timeout_s:
        raise Failed(f"{name} did not answer within {timeout_s:.0f} s; see {log}")


def _tail(log: Path) -> str:
    return _last_line(log.read_text(errors="replace")) if log.exists() else "nothing"
