"""`paper-live` with the paper venue as its real market: a process that trades, and a venue that hears of nothing."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from strategy.live.journal import read_journal
from strategy.live.parity import check
from strategy.live.simulation.assumptions import Assumptions, write_assumptions
from strategy.venues.settings import PAPER_LIVE, VenueConfig
from tests.integration.rig import SYMBOL, Rig, end, start_paper, wait_for

pytestmark = pytest.mark.slow

PUBLIC = {"exchangeInfo", "depth", "time"}
BASE, QUOTE = 0.05, 5_000.0


class Wire:
    """A relay in front of the venue that keeps all that a client says before it hands it on."""

    def __init__(self, port: int) -> None:
        self.said = b""
        self._target = port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(self._pass(reader, back, True), self._pass(there, writer, False))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keep: bool) -> None:
        try:
            while data := await reader.read(65_536):
                if keep:
                    self.said += data
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(30)


@dataclass
class Story:
    """What is left of two sessions on one account."""

    codes: tuple[int, int]
    journals: list[Path]
    said: bytes
    venue: dict[str, Any]
    account: list[dict[str, Any]]


@contextmanager
def live_rig(home: Path) -> Iterator[tuple[Rig, Wire]]:
    with start_paper(0, "--regime", "busy") as (_, port):
        wire = Wire(port)
        host = f"127.0.0.1:{wire.port}"
        urls = {"rest_url": f"http://{host}", "stream_url": f"ws://{host}/stream"}
        # nothing listens where a user stream would be asked for
        venue = VenueConfig(name=PAPER_LIVE, symbol=SYMBOL, **urls, ws_api_url="ws://127.0.0.1:9/ws-api/v3")
        try:
            yield Rig(home, venue, port), wire
        finally:
            wire.close()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with live_rig(tmp_path_factory.mktemp("home")) as (rig, wire):
        folder = rig.layout.live(PAPER_LIVE, SYMBOL)
        write_assumptions(folder, Assumptions(base=BASE, quote=QUOTE, maker_fee_bps=1.0))
        rig.put(rig.document(1))
        first = rig.start("supervisor", "quote")
        wait_for(rig.quoting, 120, "quoting")
        wait_for(lambda: rig.status().fills >= 4, 180, "fills")
        codes = [end(first)]
        second = rig.start("supervisor", "quote")
        wait_for(lambda: len(rig.journals()) == 2 and rig.quoting(), 120, "quoting again")
        wait_for(lambda: rig.status().fills >= 1, 180, "a fill of the second session")
        codes.append(end(second))
        lines = (folder / "account.log").read_bytes().splitlines()
        account = [json.loads(line.partition(b" ")[2]) for line in lines]
        yield Story((codes[0], codes[1]), rig.journals(), wire.said, rig.state(), account)


def test_nothing_but_public_market_data_was_ever_asked_for(story: Story) -> None:
    requests = re.findall(rb"(GET|POST|PUT|DELETE) (\S+) HTTP/1\.1", story.said)
    assert len(requests) > 3
    for method, path in requests:
        assert method == b"GET"
        asked = path.decode().partition("?")[0]
        assert asked == "/stream" or asked.removeprefix("/api/v3/") in PUBLIC, path
    for word in (b"signature", b"X-MBX-APIKEY", b"apiKey", b"order"):
        assert word.lower() not in story.said.lower()


def test_the_venue_has_no_order_and_no_trade_of_ours(story: Story) -> None:
    assert (story.venue["orders"], story.venue["trades"]) == (0, [])


def test_both_sessions_end_in_order_and_replay_equal(story: Story) -> None:
    assert story.codes == (0, 0)
    for journal in story.journals:
        report = check(journal)
        assert (report.differences, report.complete) == ((), True)
        assert report.actions > 4


def test_the_second_session_goes_on_with_the_account_of_the_first(story: Story) -> None:
    first, second = ([entry.body for entry in read_journal(path)] for path in story.journals)
    assert (first[0]["base_lots"], first[0]["quote_atoms"]) == (BASE / 1e-5, QUOTE / 1e-7)
    told = [body for body in (*first, *second) if body["t"] == "fill"]
    assert [fill["trade_id"] for fill in told] == list(range(1, len(told) + 1))
    before = [body for body in first if body["t"] == "fill"]
    base = first[0]["base_lots"] + sum(fill["side"] * fill["qty_lots"] for fill in before)
    assert second[0]["base_lots"] == base
    assert second[0]["last_trade_id"] == len(before)


def test_the_account_holds_what_the_journals_tell(story: Story) -> None:
    kept = [body for body in story.account if body["t"] == "fill"]
    told = [entry.body for path in story.journals for entry in read_journal(path) if entry.body["t"] == "fill"]
    names = ("trade_id", "client_id", "side", "price_ticks", "qty_lots", "fee_quote_atoms", "exch_ts")
    assert [tuple(each[name] for name in names) for each in kept] == [tuple(e[name] for name in names) for e in told]
    assert all(Decimal(str(each["fee_quote_atoms"])) > 0 for each in kept)
