"""Segments that come late, in any order, in part, or after a clock was set: what is missing is known all the same."""

import itertools
import random
from pathlib import Path

import pytest

from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings, run_checks
from strategy.live.layout import Layout
from tests.unit import market_lines as lines

pytestmark = pytest.mark.slow

WINDOW = {"venue": "paper", "symbol": "BTC/USDT", "start_ns": 0, "end_ns": 2**62}
PLACE = {"venue": "paper", "symbol": "BTC/USDT"}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def lake(tmp_path: Path):
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        yield lake


def take_in(lake: Lake, layout: Layout, name: str, raw: list[bytes]) -> None:
    lines.write(layout.segments("paper", "BTC/USDT") / f"{name}.log", raw)
    ingest(lake, layout)


def holes(lake: Lake, stream: str) -> set[tuple[int, int]]:
    rows = [row for row in lake.query("queries/gaps", **WINDOW).rows(named=True) if row["stream"] == stream]
    found = [(row["expected_id"], row["got_id"]) for row in rows]
    assert len(found) == len(set(found))
    return set(found)


def missing(numbers: list[int]) -> set[tuple[int, int]]:
    """Return the holes in ids that should count up by one, by looking at each pair."""
    ordered = sorted(numbers)
    return {(a + 1, b) for a, b in itertools.pairwise(ordered) if b > a + 1}


def head(second: float) -> list[bytes]:
    """Return how a connection begins."""
    return [lines.epoch(second), lines.exchange_info(second)]


def messages(rng: random.Random, count: int) -> tuple[list[list[bytes]], list[int]]:
    """Return the lines of each message number that was received, and these numbers; a third is lost in bursts."""
    kept, lost = [], 0
    for number in range(count):
        lost = lost - 1 if lost > 0 else (rng.randint(1, 4) if rng.random() < 0.15 else 0)
        if lost <= 0 or number in (0, count - 1):
            kept.append(number)
    pieces = [
        [lines.diff(1 + number, number, number, [("100.00", "1.000")]), lines.trade(1.5 + number, number, "100", "0.1")]
        for number in kept
    ]
    return pieces, kept


@pytest.mark.parametrize("seed", range(3))
def test_in_whatever_order_segments_come_the_holes_are_what_is_missing(lake: Lake, layout: Layout, seed: int) -> None:
    rng = random.Random(seed)
    pieces, kept = messages(rng, 40)
    cuts = sorted(rng.sample(range(1, len(pieces)), 4))
    parts = [pieces[a:b] for a, b in zip([0, *cuts], [*cuts, len(pieces)], strict=True)]
    order = [0, *rng.sample(range(1, 5), 4)] if seed % 2 else [*rng.sample(range(1, 5), 4), 0]
    have: list[int] = []
    for index in order:
        numbers = [kept[pieces.index(piece)] for piece in parts[index]]
        raw = [line for piece in parts[index] for line in piece]
        take_in(lake, layout, f"{index:04}", head(numbers[0] + 0.9) + raw)
        have += numbers
        assert holes(lake, "depth") == missing(have)
        assert holes(lake, "trade") == missing(have)
    assert lake.query("queries/depth_updates", **WINDOW)["final_update_id"].to_list() == kept
    assert lake.query("queries/trades", **WINDOW)["trade_id"].to_list() == kept
    assert run_checks(lake) == []


def test_a_late_file_with_a_name_that_sorts_last_continues_what_came_before_it(lake: Lake, layout: Layout) -> None:
    whole = lines.session(updates=30)
    take_in(lake, layout, "0001", [*whole[:20], *whole[40:]])
    assert holes(lake, "depth")
    lines.write(layout.segments("paper", "BTC/USDT") / "0002.log", lines.session(start=60, updates=2, first_id=165))
    take_in(lake, layout, "zzzz-late", whole[20:40])
    assert holes(lake, "depth") == set()


def test_a_futures_hole_that_is_filled_in_part_keeps_its_rest(lake: Lake, layout: Layout) -> None:
    def chain(numbers: list[int]) -> list[bytes]:
        return [lines.diff(n, 10 * n, 10 * n + 5, pu=10 * (n - 1) + 5) for n in numbers]

    take_in(lake, layout, "0001", head(0.9) + chain([1, 2]))
    take_in(lake, layout, "0003", head(7.9) + chain([8, 9]))
    assert holes(lake, "depth") == {(26, 80)}
    take_in(lake, layout, "0002", head(3.9) + chain([4, 5]))
    assert holes(lake, "depth") == {(26, 40), (56, 80)}
    take_in(lake, layout, "00021", head(5.9) + chain([6, 7]))
    take_in(lake, layout, "00011", head(2.9) + chain([3]))
    assert holes(lake, "depth") == set()


def test_a_clock_that_was_set_back_between_two_passes_makes_no_hole_and_hides_none(lake: Lake, layout: Layout) -> None:
    early = [lines.diff(float(n), n, n) for n in range(1, 11)]
    late = [lines.diff(3600.0 + n, n, n) for n in range(11, 21)]
    again = [lines.diff(20.0 + n, n, n) for n in (21, 22, 25, 26)]
    take_in(lake, layout, "0001", head(0.5) + early + late)
    take_in(lake, layout, "0001", head(0.5) + early + late + again)
    assert holes(lake, "depth") == {(23, 25)}


def test_comparisons_of_the_clocks_are_kept_once(lake: Lake, layout: Layout) -> None:
    clock = lines.line(1.0, {"clock": {"offset_ns": 1_500, "rtt_ns": 700, "samples": 7}})
    whole = lines.session(updates=3)
    take_in(lake, layout, "0001", [*whole, clock])
    take_in(lake, layout, "0002", [whole[0], clock, whole[-1]])
    kept = lake.query("queries/clock_differences", **WINDOW)
    assert kept.select("offset_ns", "rtt_ns", "samples").rows() == [(1_500, 700, 7)]
