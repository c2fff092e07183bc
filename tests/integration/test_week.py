"""A week of nights: promotions, a refusal, a trial that fails, a rollback, a crash, and two servers that go away."""

import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from flows import platform, processes, rooms
from flows.audit import audit
from strategy.policies.document import read_document
from tests.faults.story import executions, money, parities, told
from tests.integration.platform_rig import until
from tests.integration.week_rig import ROOT, Week, week
from tests.rigs.clock import DAY_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2_400)]

LIVE: Final = ("record", "quote")


def test_at_the_end_of_a_week_lake_registry_journal_and_venue_agree(tmp_path: Path) -> None:
    with week(tmp_path) as it:
        the_first_version(it)
        another_version_while_quoting(it)
        a_version_that_the_gates_refuse(it)
        a_version_whose_trial_fails(it)
        a_crash_and_an_operators_rollback(it)
        a_server_restarted_in_the_middle_of_a_study(it)
        refused = a_registry_that_is_away(it)
        it.run("ingest")
        they_agree(it)
        the_audit_tells_the_week(it, refused)


def begin(it: Week, **settings: Any) -> None:
    """Begin a day with recording and quoting."""
    it.begin_day()
    for what in LIVE:
        it.start(what, **settings)
    it.quoting()


def end(it: Week) -> None:
    """End the day in order: no order rests."""
    for what in reversed(LIVE):
        it.stop(what)
    assert it.state()["open_orders"] == []


def night(it: Week, version: int, **settings: Any) -> None:
    """Recalibrate; where a gate is in the way, chance alone decides on so little market: an operator overrides it."""
    it.run("nightly", **settings)
    if it.champion() != version:
        why = ("--reason", "the loop is to go on", "--override", "half an hour of a simulated market")
        it.run("promote", "--version", str(version), *why, **settings)
    it.quoting(version)


def the_first_version(it: Week) -> None:
    it.begin_day()
    it.run("nightly")
    for what in LIVE:
        it.start(what)
    it.quoting(version=1)
    end(it)


def another_version_while_quoting(it: Week) -> None:
    begin(it)
    night(it, 2)
    end(it)


def a_version_that_the_gates_refuse(it: Week) -> None:
    begin(it)
    done = it.run("nightly", gates__min_fills=10**9)
    assert "failed: fills" in done.stderr
    it.quoting(version=2)
    assert it.champion() == 2
    end(it)


def a_version_whose_trial_fails(it: Week) -> None:
    begin(it, canary__size_factor=0.5)
    night(it, 4, canary__size_factor=0.5)
    it.fault("error", code=-2010, on="place", count=100)
    until(lambda: "canary rolled back version=4" in it.log("quote-command"), "the end of the trial")
    it.fault("clear")
    it.quoting(version=2)
    end(it)


def a_crash_and_an_operators_rollback(it: Week) -> None:
    begin(it)
    night(it, 5)
    crashed = it.quoting(version=5).pid
    os.kill(crashed, signal.SIGKILL)
    it.quoting(version=5, besides=crashed)
    it.run("rollback", "--reason", "the operator prefers the version before")
    it.quoting(version=2)
    end(it)


def a_server_restarted_in_the_middle_of_a_study(it: Week) -> None:
    begin(it)
    command = [sys.executable, "-m", "flows", "nightly", "--trials", "60"]
    with (it.home / "nightly.log").open("w") as log:
        night = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **it.env()}, stdout=log, stderr=log)
    said = it.home / "nightly.log"
    until(lambda: "study name=" in said.read_text() or night.poll() is not None, "the study")
    processes.stop(it.home, "prefect")
    platform.up(it.settings, it.said.append, parts=("prefect",))
    code = night.wait(300)
    it.said.append(said.read_text())
    assert code == 0, said.read_text()
    assert it.versions() == 6
    end(it)


def a_registry_that_is_away(it: Week) -> tuple[str, int | None, int]:
    """Return the row that the audit has to hold of a move that nobody heard; gates decide which version is left."""
    begin(it)
    before, champion = it.quoting(), it.champion()
    processes.stop(it.home, "mlflow")
    it.run("rollback", "--version", "5", "--reason", "nobody will hear this", wanted=1, live__acknowledge_seconds=5)
    until(lambda: it.quoting().events > before.events + 100, "more events")
    assert (it.quoting().pid, it.champion()) == (before.pid, champion)
    platform.up(it.settings, it.said.append, parts=("mlflow",))
    night(it, 7)
    end(it)
    return "refused", champion, 5


def they_agree(it: Week) -> None:
    """Every execution is the same at the venue, in the journals and in the lake, and so is what is held."""
    settings, truth = it.settings, it.state()
    journals = settings.layout.journal(settings.venue, settings.symbol)
    traded = {
        trade["id"]: (1 if trade["isBuyer"] else -1, *(Decimal(trade[name]) for name in ("price", "qty", "commission")))
        for trade in truth["trades"]
    }
    assert len(traded) > 0
    assert executions(journals) == traded
    held = {asset: sum(map(Decimal, amounts.values()), Decimal(0)) for asset, amounts in truth["balances"].items()}
    assert told(journals) == tuple(money(held[asset]) for asset in settings.symbol.split("/"))
    with rooms.lake(settings, read_only=True) as lake:
        market = {"venue": settings.venue, "symbol": settings.symbol}
        fills = lake.query("queries/fills", **market, start_ns=0, end_ns=2**62)
        (covered,) = lake.query("queries/coverage").to_dicts()
    assert sorted(fills["trade_id"]) == sorted(traded)
    assert covered["last_ns"] - covered["first_ns"] > 6 * DAY_S * 10**9
    assert {found.equal for found in parities(journals)} == {True}
    document = read_document(settings.layout.parameter_file(settings.venue, settings.symbol))
    assert (it.champion(), document.version) == (7, 7)


def the_audit_tells_the_week(it: Week, refused: tuple[str, int | None, int]) -> None:
    """Who moved the champion, from where to where, in the order of the days; `microvol versions --moves` prints it."""
    told = audit(it.settings)
    held = told.filter(told["outcome"].str.contains("^(acknowledged|no quoting process)"))
    moved = [(row["what"], row["from_version"], row["to_version"], row["who"] == "canary") for row in held.to_dicts()]
    assert moved[:6] == [
        ("promote", None, 1, False),
        ("promote", 1, 2, False),
        ("promote", 2, 4, False),
        ("rollback", 4, 2, True),
        ("promote", 2, 5, False),
        ("rollback", 5, 2, False),
    ]
    assert moved[-1][0::2] == ("promote", 7)
    assert refused in told.select("what", "from_version", "to_version").rows()
    assert "operator" in it.run("versions", "--moves").stdout
