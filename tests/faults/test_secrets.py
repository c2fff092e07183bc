"""The keys of a venue appear nowhere: not in logs, journals, dumps, the lake, runs or reports, in whatever form."""

import asyncio
import gzip
import resource
import signal
import sqlite3
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from pydantic import SecretStr

from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings
from analytics.registry.registry import Registry
from analytics.report.report import write_report
from strategy.live.doors import read_status
from strategy.live.layout import Layout
from strategy.policies.document import write_atomically
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.faults.menu import read_fault
from strategy.venues.paper.misfortune import Misfortune
from strategy.venues.paper.server import PaperServer, running
from strategy.venues.settings import paper_venue
from tests.faults.forked_quoting import Quoting, start_quoting
from tests.faults.leaks import KEY, SECRET, forms, leaks
from tests.integration.rig import close_quotes
from tests.unit.fake_broker import INSTRUMENT

SYMBOL = INSTRUMENT.symbol
TROUBLE: list[dict[str, Any]] = [
    {"what": "error", "code": -1021, "on": "signed", "count": 3},
    {"what": "error", "code": 503, "on": "signed", "count": 3},
    {"what": "error", "code": -1007, "after": True, "count": 2},
    {"what": "html", "on": "signed", "status": 502, "count": 3},
    {"what": "cut", "on": "signed", "count": 3},
    {"what": "abort", "on": "all"},
    {"what": "restart", "seconds": 1.0},
    {"what": "error", "code": -1022, "on": "signed", "count": 2, "text": "Signature for this request is not valid."},
    {"what": "delay", "on": "place", "seconds": 6.0, "count": 2},
]


def test_the_search_finds_every_form_wherever_it_lies(tmp_path: Path) -> None:
    for number, form in enumerate(sorted(forms(SECRET))):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        line = b"x" * number + form + b"y"
        (folder / "plain.err").write_bytes(line)
        (folder / "packed.log.zst").write_bytes(zstandard.compress(line))
        (folder / "packed.gz").write_bytes(gzip.compress(line))
        pl.DataFrame({"said": [line.decode()]}).write_parquet(folder / "rows.parquet", compression="zstd")
        with sqlite3.connect(folder / "some.db") as database:
            database.execute("create table runs (said text)")
            database.execute("insert into runs values (?)", (line.decode(),))
        database.close()
        assert {Path(found.split(": ")[0]).name for found in leaks(folder)} == {
            "plain.err",
            "packed.log.zst",
            "packed.gz",
            "rows.parquet",
            "some.db",
        }


@pytest.mark.parametrize("around", [("", ""), ("k:", ""), ("ab", "c"), ("abc", ":de")])
def test_base64_of_more_than_the_secret_is_found(tmp_path: Path, around: tuple[str, str]) -> None:
    (tmp_path / "log").write_bytes(b64encode(SECRET.join(around).encode()))
    assert leaks(tmp_path) != []


async def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 90
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.05)
    return found


async def break_everything(server: PaperServer, home: Path, child: Quoting) -> None:
    """Let every signed request fail in every way, then take the journal away and have the process dump its memory."""
    layout = Layout(home)

    def quoting() -> Any:
        status = read_status(layout, "paper", SYMBOL)
        return status is not None and status.pid == child.pid and status.state == "quoting" and status.open_orders

    for fault in TROUBLE:
        await until(quoting, f"quoting before {fault}")
        await Misfortune(server).carry_out(read_fault(fault))
        await asyncio.sleep(0.7)
    await until(quoting, "quoting after everything")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_no_key_is_in_anything_that_sessions_in_trouble_leave(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    config = PaperConfig.model_validate({"regime": "busy", "api_key": KEY, "secret": SECRET})
    async with running(config) as server:
        keys = {"api_key": SecretStr(KEY), "secret": SecretStr(SECRET)}
        venue = paper_venue(server.url, SYMBOL).model_copy(update=keys)
        file = layout.parameter_file("paper", SYMBOL)
        file.parent.mkdir(parents=True)
        registry = Registry(f"sqlite:///{tmp_path}/mlflow/mlflow.db")
        version = registry.register(close_quotes(INSTRUMENT, 0), None, "test", {}).version
        write_atomically(file, close_quotes(INSTRUMENT, version, executor_refresh_time=0.5).to_json())

        first = start_quoting(tmp_path, venue, debug=True)
        await break_everything(server, tmp_path, first)
        first.signal(signal.SIGABRT)
        await until(lambda: first.code is not None, "aborted")

        second = start_quoting(tmp_path, venue)
        journals = layout.journal("paper", SYMBOL)
        newest = await until(lambda: sorted(journals.glob("*.log"))[1:], "a second session")
        full = newest[0].stat().st_size + 20_000  # bytes: room for what the log says of it
        resource.prlimit(second.pid, resource.RLIMIT_FSIZE, (full, full))
        await until(lambda: second.code == 1, "ended by the journal that cannot be written")

        wrong = venue.model_copy(update={"secret": SecretStr(SECRET[::-1])})
        third = start_quoting(tmp_path, wrong, debug=True)
        await until(lambda: third.code == 1, "refused for a wrong signature")

    log, debug = ((tmp_path / name).read_text() for name in ("quote.err", "quote.debug.err"))
    assert "Traceback (most recent call last)" in log
    assert "is the disk full?" in log
    assert "Fatal Python error: Aborted" in debug
    assert "Using selector" in debug  # asyncio's own words: it says what it does
    assert "Signature for this request is not valid" in debug
    await asyncio.to_thread(report, tmp_path, registry)
    assert leaks(tmp_path) == []


def report(home: Path, registry: Registry) -> None:
    """Take everything into the lake and write the day's report, with its run."""
    layout, day = Layout(home), datetime.now(UTC).date()
    with Lake.open(LakeSettings.under(home / "lake")) as lake:
        ingest(lake, layout)
        written = write_report(lake, registry, layout, "paper", SYMBOL, day, home / "report")
    assert written.run_id is not None
    assert written.sessions >= 1
