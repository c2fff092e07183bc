"""Every alert, from the files and runs that it is found in to the text that a webhook gets of a real Prefect server."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any, Final

import pytest

from analytics.report.drift import Drift
from flows import drift, kill_switch, notify, processes, watch
from flows.settings import Settings, load_settings
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.doors import LiveStatus, write_status
from strategy.policies.document import write_atomically
from tests.integration.platform_rig import Webhook, own_home, post, running, until, webhook
from tests.unit.registry_documents import document_with

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MARKET: Final = ("paper", "BTC/FDUSD")
WAY: Final = "--venue paper --symbol BTC/FDUSD"
LIMITS: Final = {
    "PANIC_SECONDS": 0.01,
    "MAX_INVENTORY": 100.0,
    "MAX_ORDER_FAULTS": 3,
    "STALE_SECONDS": 0.01,
    "MIN_FREE_MB": 1e12,
}
KILL: Final = f'microvol kill {WAY} --reason "what you saw"'
SAID: Final = {  # by event: what the value begins with, the limit, the command
    "kill": ("by hand, by nina: drill", "the kill switch is armed", f'microvol rearm {WAY} --reason "why it is safe'),
    "panic": ("panic for ", "0.01 s", KILL),
    "inventory": ("base held is worth 120.00", "100.0", KILL),
    "order_faults": ("9 orders refused or not answered in 10 min", "3", KILL),
    "stale": ("not quoting for ", "0.01 s", "microvol status"),
    "night.failed": ("no data of yesterday", "completed", "microvol nightly"),
    "drift": ("-2.5", "1.5", f'microvol rollback {WAY} --reason "drift on 2026-01-31"'),
    "disk.low": ("", "1e+12 MB", "microvol status"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    """Have everything go wrong that people are told of."""
    environment = {f"MICROVOL_ALERTS__{name}": str(value) for name, value in LIMITS.items()}
    with ExitStack() as held:
        hook = held.enter_context(webhook())
        home = tmp_path_factory.mktemp("home")
        held.enter_context(own_home(home, MICROVOL_ALERTS_WEBHOOK=hook.url, **environment))
        settings = load_settings()
        held.enter_context(running(settings, ("prefect",)))
        notify.apply(settings, lambda line: None)
        write_atomically(settings.layout.parameter_file(*MARKET), document_with(5.0).to_json())
        status(settings, heartbeat_ns=1)
        kill_switch.throw(settings, "drill", "nina")
        status(settings)
        held.enter_context(processes.held(home, "quote-paper-BTC-FDUSD", "quote"))
        watch.look(settings)
        a_night_fails(settings)
        drift.act(settings, [Drift(4, date(2026, 1, 31), "edge, live - foretold, bps", -2.5, 1.5, 2, 3)])
        status(settings, order_faults=9)
        watch.look(settings)
        yield hook


@pytest.mark.parametrize("event", SAID)
def test_an_alert_reaches_the_webhook_with_all_that_is_needed_to_act(told: Webhook, event: str) -> None:
    text = until(lambda: told.about(f"microvol.{event} BTC/FDUSD"), f"the alert {event}")
    lines = text.splitlines()
    value, limit, command = SAID[event]
    assert {"venue: paper", "symbol: BTC/FDUSD", "version: 4", f"limit: {limit}"} <= set(lines)
    assert any(line.startswith(f"value: {value}") for line in lines), text
    assert any(line.startswith(f"command: {command}") for line in lines), text


def test_an_alert_is_told_once(told: Webhook) -> None:
    until(lambda: len(told.texts) >= len(SAID), "every alert")
    subjects = [text.splitlines()[0] for text in told.texts]
    assert sorted(subjects) == sorted(f"microvol.{event} BTC/FDUSD" for event in SAID)


def status(settings: Settings, **fields: Any) -> None:
    """Say what a process would that runs, holds too much, is in panic and does not quote."""
    now, place = time.time_ns(), {"venue": MARKET[0], "symbol": MARKET[1]}
    held: dict[str, Any] = {"version": 4, "base_lots": 200.0, "quote_atoms": 1e9, "mid_ticks": 6_000_000.0}
    seen: dict[str, Any] = {"state": "halted", "note": "user stream lost", "panicking": True}
    seen |= {"pid": os.getpid(), "session": "s1", "started_ns": now, "heartbeat_ns": now}
    found = LiveStatus(**place | held | seen | fields, kernel_digest=KERNEL_DIGEST)
    write_status(settings.layout.status_file(*MARKET), found)


def a_night_fails(settings: Settings) -> None:
    """Leave a run of the deployment `nightly` that failed."""
    flow = post(settings, "flows/", {"name": "nightly"})["id"]
    deployment = post(settings, "deployments/", {"name": "nightly", "flow_id": flow})["id"]
    run = post(settings, f"deployments/{deployment}/create_flow_run", {})["id"]
    state = {"type": "FAILED", "name": "Failed", "message": "no data of yesterday"}
    post(settings, f"flow_runs/{run}/set_state", {"state": state, "force": True})
