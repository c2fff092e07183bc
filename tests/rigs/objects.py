"""A real S3-compatible object store for tests: SeaweedFS on loopback, with ports and a process of its own.

It checks signatures: a request without the right key is refused. It tells nobody anything: its telemetry is off. Tests
take the session's store from the fixture `objects` (tests/conftest.py) and a bucket of their own from it.
"""

import itertools
import json
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

HOST: Final = "127.0.0.1"
KEY: Final = "keeper"
SECRET: Final = "not-for-any-log/it's"
_START_S: Final = 120.0
_SERVERS: Final = ("master", "volume", "filer", "s3")


@dataclass
class ObjectStore:
    """A running store; a bucket comes into being with its first object."""

    port: int
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def endpoint(self) -> str:
        """Return its address."""
        return f"http://{HOST}:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return the variables that hold the key."""
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}

    def folder(self) -> str:
        """Return the address of a folder in a bucket of its own."""
        return f"s3://lake{next(self._numbers)}/data"


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Run a store on free ports, its data in a folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="microvol-objects-") as folder:
        home = Path(folder)
        key = {"accessKey": KEY, "secretKey": SECRET}
        everything = {"name": KEY, "credentials": [key], "actions": ["Admin", "Read", "Write", "List"]}
        (home / "keys.json").write_text(json.dumps({"identities": [everything]}))
        ports = _free_ports(2 * len(_SERVERS))
        store = ObjectStore(ports[_SERVERS.index("s3")])
        with _process(home, ports) as process:
            _wait(store, ports[_SERVERS.index("filer")], process, home)
            yield store


@contextmanager
def _process(home: Path, ports: list[int]) -> Iterator[subprocess.Popen[bytes]]:
    program = Path(sysconfig.get_path("scripts")) / "weed"
    options = ["-dir", str(home), "-ip", HOST, "-ip.bind", HOST, "-filer", "-s3", "-master.telemetry=false"]
    options += ["-s3.config", str(home / "keys.json"), "-s3.port.iceberg=0", "-s3.port.lance=0"]
    options += ["-master.volumeSizeLimitMB=64", "-volume.max=100"]
    for server, port, grpc in zip(_SERVERS, ports[: len(_SERVERS)], ports[len(_SERVERS) :], strict=True):
        options += [f"-{server}.port={port}", f"-{server}.port.grpc={grpc}"]
    options += [f"-{server}.localSocket={home / server}.sock" for server in ("filer", "s3")]
    with (home / "log").open("wb") as log:
        command = [str(program), f"-logdir={home}", "server", *options]
        process = subprocess.Popen(command, cwd=home, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)  # an orderly end waits for its own servers; the folder goes anyway
        process.wait(timeout=60)


def _wait(store: ObjectStore, filer: int, process: subprocess.Popen[bytes], home: Path) -> None:
    """Wait until the store takes objects: its servers find each other one after the other."""
    deadline = time.monotonic() + _START_S
    while not _takes(store, filer):
        log = (home / "log").read_text(errors="replace")
        assert process.poll() is None, f"the object store ended while starting: {log}"
        assert time.monotonic() < deadline, f"the object store did not answer within {_START_S:g} s: {log}"
        time.sleep(0.1)


def _takes(store: ObjectStore, filer: int) -> bool:
    """Say whether the door answers and a file, written behind it, is kept."""
    try:
        answers = httpx.get(f"{store.endpoint}/healthz", trust_env=False).is_success
        return answers and httpx.put(f"http://{HOST}:{filer}/ready", content=b"ready", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in sockets]
