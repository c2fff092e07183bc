"""The real servers on a home of their own, and a webhook that keeps what it is sent."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows import access, platform
from flows.settings import Settings, load_settings


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
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")


class Webhook:
    """A receiver on loopback; `texts` are the messages that came."""

    def __init__(self) -> None:
        texts = self.texts = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                texts.append(json.loads(body)["text"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def about(self, *words: str) -> str | None:
        """Return the first message with all of these words."""
        return next((text for text in self.texts if all(word in text for word in words)), None)


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Run a receiver."""
    receiver = Webhook()
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()


@contextmanager
def own_home(home: Path, **environment: str) -> Iterator[Settings]:
    """Give this process and its children a home, free ports and a settings file that tests may write."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "microvol.toml").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MICROVOL_HOME", str(home))
        patch.setenv("MICROVOL_CONFIG", str(home / "microvol.toml"))
        patch.delenv("PREFECT_API_URL", raising=False)
        for name in ("PREFECT", "MLFLOW", "PAPER"):
            patch.setenv(f"MICROVOL_PORTS__{name}", str(free_port()))
        for name, value in environment.items():
            patch.setenv(name, value)
        before = dict(os.environ)
        yield load_settings()
        os.environ.update(before)


@contextmanager
def running(settings: Settings, parts: tuple[str, ...] = platform.SERVICES) -> Iterator[list[str]]:
    """Run the servers; yield what was said of them."""
    said: list[str] = []
    try:
        platform.up(settings, said.append, parts)
        yield said
    finally:
        platform.down(settings, said.append)


def ask(settings: Settings, method: str, path: str, body: Any = None) -> Any:
    """Ask the server; 503 is what it says while its database is locked."""

    def asked() -> httpx.Response | None:
        address, auth = f"{settings.prefect_url}/{path}", access.basic_auth()
        reply = httpx.request(method, address, json=body, timeout=60, auth=auth, trust_env=False)
        return None if reply.status_code == 503 else reply

    reply = until(asked, f"an answer to {path}")
    assert reply.status_code < 300, (path, reply.text)
    return reply.json() if reply.content else None


def post(settings: Settings, path: str, body: dict[str, Any]) -> Any:
    return ask(settings, "POST", path, body)


def runs(settings: Settings, flow: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = post(settings, "flow_runs/filter", {"flows": {"name": {"any_": [flow]}}})
    return found


def start(settings: Settings, deployment: str, **parameters: Any) -> str:
    """Have the worker run a deployment, as its page does."""
    found = post(settings, "deployments/filter", {"deployments": {"name": {"any_": [deployment]}}})[0]
    body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    return str(post(settings, f"deployments/{found['id']}/create_flow_run", body)["id"])


def state_of(settings: Settings, run: str) -> dict[str, Any]:
    return dict(ask(settings, "GET", f"flow_runs/{run}")["state"])


def ended(settings: Settings, run: str, seconds: float = 120.0) -> dict[str, Any]:
    """Wait for the end of a run and return its last state."""

    def over() -> dict[str, Any] | None:
        state = state_of(settings, run)
        return state if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    return dict(until(over, f"the end of run {run}", seconds))
