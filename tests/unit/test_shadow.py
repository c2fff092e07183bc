"""A shadow walks the frames of a market in pieces; a replay walks the tape that the lake makes of the same frames."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.ingest.ingest import ingest
from analytics.metrics.activity import of_replay
from analytics.metrics.figures import measure
from analytics.metrics.markout import mid_path
from analytics.report.shadows import shadow_days
from analytics.tape.tape import load_tape
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.layout import Layout
from strategy.live.simulation import shadow as shadow_module
from strategy.live.simulation.assumptions import Assumptions, read_assumptions, write_assumptions
from strategy.live.simulation.shadow import Shadow, Told
from strategy.live.simulation.shadow_journal import ShadowJournal
from strategy.policies.document import Instrument, ParameterDocument
from strategy.policies.parameters import ParameterSet, parse_parameters
from strategy.replay.driver import ReplayConfig, ReplayResult, replay
from strategy.replay.latency import drawn
from strategy.replay.tape import Tape, TapeInfo
from strategy.venues.ports import Balance
from tests.integration.live_day import CLOCK_AHEAD_NS, START_NS, SYMBOL, VENUE, fill_market, open_lake

pytestmark = pytest.mark.slow

SECOND = 1_000_000_000
PAIRS = [(1_000_000, 9_000_000), (400_000_000, 30_000_000)]  # entry and response, ns
HOLDINGS = Balance(1_000.0, 2e10)
Frames = list[tuple[int, bytes]]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tape, TapeInfo, Frames]]:
    folder = tmp_path_factory.mktemp("market")
    with open_lake(folder) as lake:
        fill_market(lake, folder)
        lines = gzip.decompress((folder / "market.gz").read_bytes()).splitlines()
        frames = [(int(line.partition(b" ")[0]), line.partition(b" ")[2]) for line in lines]
        yield *load_tape(lake, VENUE, SYMBOL), frames


def parameters(**groups: Any) -> ParameterSet:
    quoting = {"executor_refresh_time": 2.0, "cooldown_time": 0.5, "order_qty": 0.002}
    regimes = {"low_threshold": 2.2e-5, "medium_threshold": 2.6e-5, "high_threshold": 3.2e-5}
    regimes |= {"spread_low": 1.0, "spread_medium": 2.0}
    volatility = {"policy": "rolling_std", "vol_window_seconds": 10.0}
    return parse_parameters({"volatility": volatility, "regimes": regimes, "quoting": quoting} | groups)


def document(chosen: ParameterSet, version: int = 7) -> ParameterDocument:
    instrument = Instrument(venue=VENUE, symbol=SYMBOL, tick_size="0.01", lot_size="0.00001")
    return ParameterDocument(version=version, instrument=instrument, parameters=chosen, kernel_digest=KERNEL_DIGEST)


def followed(shadow: Shadow, frames: Frames, end_ns: int, seed: int = 1) -> list[Told]:
    """Give a shadow all frames, walk it at random moments two seconds behind, and to the end."""
    rng, told = np.random.default_rng(seed), []
    for local_ns, payload in frames:
        shadow.frame(local_ns, payload)
        if rng.random() < 0.02:
            told += shadow.walk(local_ns - 2 * SECOND)
    return told + shadow.walk(end_ns + shadow.clock.ns) + shadow.still_open()


def rows_of(told: list[Told], kind: str, like: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    rows = np.array([row for each, row in told if each == kind], like.dtype)
    return np.sort(rows, order="order_id") if kind == "order" else rows


def assert_same(told: list[Told], result: ReplayResult) -> None:
    for kind, rows in (("fill", result.fills), ("order", result.orders), ("sample", result.samples)):
        mine = rows_of(told, kind, rows)
        assert len(mine) == len(rows), kind
        for name in rows.dtype.names or ():
            np.testing.assert_array_equal(mine[name], rows[name], err_msg=f"{kind} {name}")


CASES: dict[str, tuple[dict[str, Any], Assumptions]] = {
    "constant latency": ({}, Assumptions(maker_fee_bps=1.0)),
    "drawn latency, power queue": (
        {},
        Assumptions.of(ReplayConfig(queue_model="power", latencies=drawn(PAIRS, 3, 64)), 0.0, 0.0),
    ),
    "takers that look at depth": (
        {"barriers": {"time_limit": 3.0}, "risk": {"min_depth_base": 0.001}},
        Assumptions(taker_fee_bps=4.0, entry_ns=(0,), response_ns=(0,)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_shadow_does_what_a_replay_of_the_same_frames_does(market: Any, case: str) -> None:
    tape, info, frames = market
    groups, assumptions = CASES[case]
    shadow = Shadow(document(parameters(**groups)), assumptions, HOLDINGS)
    end_ns = int(max(tape.update_local[-1], tape.trade_local[-1])) + 1
    told = followed(shadow, frames, end_ns)
    result = replay(tape, info, parameters(**groups), shadow.config)
    assert len(result.fills) > 20
    assert shadow.clock.ns == info.clock_offset_ns
    assert_same(told, result)


def test_orders_that_are_over_are_forgotten_and_nothing_changes(market: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tape, info, frames = market
    monkeypatch.setattr(shadow_module, "KEPT_ORDERS", 5)
    shadow = Shadow(document(parameters()), Assumptions(), HOLDINGS)
    told = followed(shadow, frames, int(max(tape.update_local[-1], tape.trade_local[-1])) + 1)
    assert_same(told, replay(tape, info, parameters(), shadow.config))
    assert shadow._run is not None
    assert shadow._run.venue.cursor[0]["orders"] < 40 < len(rows_of(told, "order", shadow._run.logs.orders))


def test_a_lost_connection_ends_every_order_until_a_snapshot_comes(market: Any) -> None:
    frames = market[2]
    half = len(frames) // 2
    cut = frames[half][0] + 1
    shadow = Shadow(document(parameters()), Assumptions(), HOLDINGS)
    lost = [*frames[:half], (cut, b'{"epoch":{"n":2,"reason":"lost"}}'), *frames[half:]]
    told = followed(shadow, lost, frames[-1][0])
    placed = rows_of(told, "order", np.zeros(0, told_dtype(told, "order")))
    assert shadow.market.needs_snapshot
    assert placed["placed_ns"].max() <= cut - CLOCK_AHEAD_NS
    assert set(placed["outcome"]) <= {1, 2, 3}


def told_dtype(told: list[Told], kind: str) -> Any:
    return next(row for each, row in told if each == kind).dtype


def test_assumptions_come_back_as_they_were_written(tmp_path: Path) -> None:
    assert read_assumptions(tmp_path) == Assumptions()
    said = CASES["drawn latency, power queue"][1]
    write_assumptions(tmp_path, said)
    assert read_assumptions(tmp_path) == said
    assert said.config(1.0, 2.0, 3).lines() == drawn(PAIRS, 3, 64)


def told_all(market: Any) -> tuple[Shadow, list[Told]]:
    tape, _, frames = market
    shadow = Shadow(document(parameters()), Assumptions(maker_fee_bps=1.0), HOLDINGS)
    told = followed(shadow, frames, int(max(tape.update_local[-1], tape.trade_local[-1])) + 1)
    return shadow, told + shadow.last_sample()


def test_its_figures_in_the_lake_are_those_of_the_replay(market: Any, tmp_path: Path) -> None:
    tape, info, _ = market
    shadow, told = told_all(market)
    journal = ShadowJournal(Layout(tmp_path).shadow(VENUE, SYMBOL), "20240808T070000-1-v7-1")
    journal.begin(START_NS, "20240808T070000-1", shadow)
    journal.tell(START_NS, told[:50])
    with open_lake(tmp_path) as lake:
        first = ingest(lake, Layout(tmp_path))
        journal.tell(START_NS + SECOND, told[50:])
        journal.end(START_NS + SECOND, "stopped")
        journal.close()
        second = ingest(lake, Layout(tmp_path))
        assert (first.problems, second.problems) == ([], [])
        assert first.shadow_rows + second.shadow_rows == len(told)
        assert ingest(lake, Layout(tmp_path)).shadow_rows == 0
        (day,) = shadow_days(lake, VENUE, SYMBOL, (0, 2**62), mid_path(tape), info)
    result = replay(tape, info, parameters(), shadow.config)
    expected = measure([of_replay(result, info.start_ns, info.end_ns)], mid_path(tape), info).overall
    assert (day.version, len(day.activities)) == (7, 1)
    assert day.metrics.overall["identity_error"] < 1e-9
    for name in ("fills", "orders", "fill_ratio", "turnover_quote", "spread_capture_quote", "fees_quote", "edge_bps"):
        assert day.metrics.overall[name] == pytest.approx(expected[name], rel=1e-9), name
    for name in ("realised_capture_5s_bps", "total_pnl_quote", "excess_pnl_quote"):
        assert day.metrics.overall[name] == pytest.approx(expected[name], rel=1e-6), name


def test_a_line_of_a_shadow_that_is_wrong_is_told_and_left_out(market: Any, tmp_path: Path) -> None:
    folder = Layout(tmp_path).shadow(VENUE, SYMBOL)
    folder.mkdir(parents=True)
    (folder / "20240808T070000-1-v7-1.log").write_bytes(b'1 {"t":"sample","ts":1}\n')
    (folder / "nonsense.log").write_bytes(b'1 {"t":"end"}\n')
    with open_lake(tmp_path) as lake:
        report = ingest(lake, Layout(tmp_path))
    assert report.shadow_rows == 0
    assert "line 1: sample line is malformed (KeyError('mid_ticks'))" in report.problems[0]
    assert "'nonsense' is not SESSION-vVERSION-NUMBER" in report.problems[1]
