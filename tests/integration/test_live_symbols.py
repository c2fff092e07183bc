"""Two symbols under one supervisor, in one process: each is steered and watched by itself, none is left behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.settings import Settings
from flows.status import live_lines
from strategy.live.command import also
from strategy.live.journal import read_journal
from strategy.live.parity import check
from tests.integration.rig import Rig, end, paper_rig, rig_on, start_paper, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def rigs(tmp_path: Path) -> Iterator[tuple[Rig, Rig]]:
    with (
        paper_rig(tmp_path, "--regime", "busy") as first,
        start_paper(0, "--symbol", "ETH/FDUSD", "--start-price", "3000", "--regime", "busy") as (_, port),
        rig_on(port, tmp_path, "ETH/FDUSD") as second,
    ):
        first.put(first.document(1))
        second.put(second.document(1, order_qty=0.01))
        yield first, second


def both_quote(rigs: tuple[Rig, Rig], not_pid: int = 0) -> int:
    """Wait until one process other than a given one quotes both symbols, and return its id."""

    def found() -> int | None:
        pids = {seen.pid if (seen := rig.quoting()) else 0 for rig in rigs}
        return next(iter(pids)) if len(pids) == 1 and not pids & {0, not_pid} else None

    return int(wait_for(found, 120, "one process quotes both"))


def metrics_of(rig: Rig) -> str:
    seen = rig.status()
    assert seen is not None
    assert seen.metrics_url is not None
    return httpx.get(seen.metrics_url, timeout=30, trust_env=False).raise_for_status().text


def test_two_symbols_are_quoted_killed_cleared_and_stopped_each_by_itself(rigs: tuple[Rig, Rig]) -> None:
    first, second = rigs
    supervisor = first.start("supervisor", *also(second.venue), "quote", "--", "--metrics-port", "20464")
    pid = both_quote(rigs)
    urls = {seen.metrics_url for rig in rigs if (seen := rig.status())}
    assert len(urls) == 2
    for rig in rigs:
        text = metrics_of(rig)
        assert f'microvol_state{{state="quoting",symbol="{rig.venue.symbol}",venue="paper"}} 1.0' in text
        assert text.count('symbol="') == text.count(f'symbol="{rig.venue.symbol}"')

    done = second.run("kill", "--reason", "one of two")
    assert done.returncode == 0, done.stderr
    assert second.resting() == []
    wait_for(first.quoting, 60, "the other one quotes on")
    seen = second.status()
    assert seen is not None
    assert seen.state == "killed"
    told = {line.what: line.state for line in live_lines(Settings(home=first.home))}
    states = [told[f"{what} paper {rig.venue.symbol}"] for rig in rigs for what in ("quoting", "kill switch")]
    assert states[1:] == ["armed", "killed", "killed"]
    done = second.run("rearm", "--reason", "looked at")
    assert done.returncode == 0, done.stderr
    assert both_quote(rigs) == pid

    os.kill(pid, signal.SIGKILL)
    both_quote(rigs, pid)
    for rig in rigs:
        dead = {entry.body["client_id"] for entry in read_journal(rig.journals()[0]) if entry.body["t"] == "action"}
        assert dead
        assert not dead & {report.client_id for report in rig.resting()}
    assert end(supervisor, seconds=120) == 0
    for rig in rigs:
        assert rig.resting() == []
        assert len(rig.journals()) == 2
        assert all(check(path).equal for path in rig.journals())
