"""The paper venue as a process of its own on a free port, and unmodified ccxt exchanges wired to it by URL alone."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

SYMBOL = "BTC/FDUSD"
VENUE_SYMBOL = "BTCFDUSD"
READY, ADMIN_READY = "paper venue on ", "paper venue admin on "


@dataclass(frozen=True)
class Venue:
    """A running venue."""

    url: str
    admin_url: str

    def state(self) -> dict[str, Any]:
        """Return the venue's own account of what happened."""
        return httpx.get(f"{self.admin_url}/admin/state", timeout=30).raise_for_status().json()

    def fault(self, what: str, **fields: Any) -> int:
        """Have something go wrong; return how many connections it ended."""
        reply = httpx.post(f"{self.admin_url}/admin/fault", params={"what": what, **fields}, timeout=30)
        assert reply.status_code == 200, reply.text
        return int(reply.json()["ended"])


@contextmanager
def paper_process(*options: str) -> Iterator[Venue]:
    """Start the venue, wait for its ready line, and end it by SIGTERM, which it must answer with exit code 0."""
    command = [sys.executable, "-m", "strategy.venues.paper", "--port", "0", "--admin-port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            urls = []
            for words in (READY, ADMIN_READY):
                line = process.stdout.readline()
                assert line.startswith(words), line
                urls.append(line.removeprefix(words).strip())
            yield Venue(*urls)
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=60)
    assert code == 0


def wired(kind: Any, url: str, **overrides: Any) -> Any:
    """Return a ccxt exchange of a class, in sandbox mode with the venue's addresses as its only ones."""
    exchange = kind(
        {
            "apiKey": "paper",
            "secret": "paper-secret",
            "enableRateLimit": False,
            "options": {
                "defaultType": "spot",
                "fetchMarkets": {"types": ["spot"]},
                "streamLimits": {"spot": 1},
                **overrides.pop("options", {}),
            },
            **overrides,
        }
    )
    rest, streams = f"{url}/api/v3", url.replace("http", "ws", 1)
    exchange.urls["test"] = {
        "public": rest,
        "private": rest,
        "sapi": f"{url}/sapi/v1",
        "ws": {"spot": f"{streams}/stream", "ws-api": {"spot": f"{streams}/ws-api/v3"}},
    }
    exchange.set_sandbox_mode(True)
    return exchange
