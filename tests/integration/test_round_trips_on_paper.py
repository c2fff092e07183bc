"""Round trips of a real session on a venue with another clock: quoted, journalled, taken in beside the market."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings
from analytics.tape.latencies import RoundTrips, round_trips
from analytics.tape.line import Days
from strategy.policies.document import write_atomically
from tests.integration.rig import SYMBOL, Rig, end, paper_rig, wait_for

pytestmark = pytest.mark.slow

SKEW_MS = -3_000  # the venue's clock is behind ours: taken as they are, both stamps make no sense together
WINDOW = {"venue": "paper", "symbol": SYMBOL, "start_ns": 0, "end_ns": 2**62}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RoundTrips, pl.DataFrame, str]]:
    """Quote and record for some refreshes; yield what the lake then tells, and what `microvol status` told."""
    home = tmp_path_factory.mktemp("home")
    begun = time.time_ns()
    with paper_rig(home, "--clock-skew-ms", str(SKEW_MS)) as rig:
        told = quote_and_record(rig)
        with Lake.open(LakeSettings.under(home / "lake")) as lake:
            assert ingest(lake, rig.layout).problems == []
            steps = lake.query("queries/order_events", **WINDOW)
            days = Days.within(begun, time.time_ns())
            yield round_trips(lake, "paper", SYMBOL, days), steps, told


def quote_and_record(rig: Rig) -> str:
    champion = rig.home / "champion.json"
    write_atomically(champion, rig.document(1, executor_refresh_time=0.5).to_json())
    capture = rig.start("capture")
    supervisor = rig.start("supervisor", "--champion-file", str(champion), "quote")
    wait_for(lambda: rig.quoting(1), 60, "quoting")
    (journal,) = rig.journals()
    wait_for(lambda: count(journal, b'"cancelled"') >= 12, 60, "twelve cancelled orders")
    told = rig.run("status").stdout
    assert (end(supervisor), end(capture)) == (0, 0)
    return told


def count(journal: Path, text: bytes) -> int:
    return journal.read_bytes().count(text)


def test_every_acknowledgement_and_end_that_was_heard_of_at_once_has_the_venues_time(session) -> None:
    _, steps, _ = session
    answers = steps.filter(pl.col("what").is_in(["ack", "cancelled"]))
    assert answers["exch_ts"].null_count() <= 0.2 * len(answers)
    assert steps.filter(pl.col("what").is_in(["place", "cancel"]))["exch_ts"].null_count() > 0


def test_the_round_trips_are_those_of_the_journal(session) -> None:
    found, steps, _ = session
    placed = steps.filter(what="place").select("order_id", sent="local_ts")
    heard = steps.filter(what="ack").select("order_id", heard="local_ts")
    whole = placed.join(heard, on="order_id").select(pl.col("heard") - pl.col("sent")).to_series().to_list()
    measured = (found.entry_ns + found.response_ns).tolist()
    assert len(found) >= 24
    assert set(whole) <= set(measured)


def test_a_loopback_takes_milliseconds_and_no_half_is_under_0(session) -> None:
    found, _, _ = session
    assert min(found.entry_ns.min(), found.response_ns.min()) >= 0
    assert 0 < np.median(found.entry_ns + found.response_ns) < 1_000_000_000
    assert found.moved_ns < 100_000_000
    assert (found.left_out["untimed"], found.left_out["no_offset"], found.left_out["astray"]) == (0, 0, 0)


def test_the_status_tells_how_quickly_orders_are_acknowledged(session) -> None:
    assert re.search(r"acknowledged in [0-9.]+ ms \(p99 [0-9.]+ ms, [0-9]+ orders\)", session[2])
