"""Round trips from a lake of hand-made order steps."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analytics.lake.store import Lake, LakeSettings
from analytics.tape.latencies import RoundTrips, round_trips
from analytics.tape.line import Constant, Days, Recorded, read_line
from analytics.tape.tape import clock_offset
from strategy.errors import BadInput, Failed
from strategy.replay.latency import drawn
from tests.unit.older_lake import make_older_lake
from tests.unit.round_trip_samples import (
    AHEAD_NS,
    DAY,
    NEXT_DAY,
    START_NS,
    SYMBOL,
    US,
    VENUE,
    Steps,
    market,
    midnight,
)

pytestmark = pytest.mark.slow

NOTHING = dict.fromkeys(("pending", "unknown", "rejected", "untimed", "no_offset", "astray"), 0)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        yield lake


def read(lake: Lake, first=DAY, last=None) -> RoundTrips:
    return round_trips(lake, VENUE, SYMBOL, Days(first, last or first))


def us(values) -> list[int]:
    return (values // US).tolist()


def test_halves_are_what_they_were_on_the_venues_clock(lake: Lake, tmp_path: Path) -> None:
    market(lake)
    Steps().answered(0, 1, 700, 300).answered(5_000, 2, 2_000, 900).take_in(lake, tmp_path)
    found = read(lake)
    assert (us(found.entry_ns), us(found.response_ns)) == ([700, 2_000], [300, 900])
    assert (found.entry_ns.dtype, found.response_ns.dtype) == (np.int64, np.int64)
    assert (found.moved, found.left_out) == (0, NOTHING)


def test_a_cancel_is_a_round_trip_from_asking_or_from_the_acknowledgement_it_waited_for(
    lake: Lake, tmp_path: Path
) -> None:
    market(lake)
    steps = Steps().answered(0, 1, 700, 300).add(10_000, "cancel", 1).add(11_500, "cancelled", 1, 10_600)
    steps.add(20_000, "place", 2).add(20_100, "cancel", 2).add(21_000, "ack", 2, 20_400)
    steps.add(22_000, "cancelled", 2, 21_250).take_in(lake, tmp_path)
    found = read(lake)
    assert us(found.entry_ns) == [700, 600, 400, 250]
    assert us(found.response_ns) == [300, 900, 600, 750]


def test_an_order_that_takes_is_answered_by_its_end_and_one_that_rested_is_not(lake: Lake, tmp_path: Path) -> None:
    market(lake)
    steps = Steps().add(0, "place", 1, maker=False).add(900, "cancelled", 1, 500, maker=False)
    steps.add(5_000, "place", 2).add(6_000, "cancelled", 2, 5_500).take_in(lake, tmp_path)
    found = read(lake)
    assert (us(found.entry_ns), us(found.response_ns)) == ([500], [400])
    assert found.left_out == NOTHING | {"pending": 1}


def test_requests_without_a_certain_answer_are_left_out_and_counted(lake: Lake, tmp_path: Path) -> None:
    market(lake)
    steps = Steps().answered(0, 1, 700, 300)
    steps.add(1_000, "place", 2)  # never answered
    steps.add(2_000, "place", 3).add(3_000, "unknown", 3).add(900_000, "ack", 3, 2_500)
    steps.add(4_000, "place", 4).add(4_500, "reject", 4)
    steps.add(5_000, "place", 5).add(5_500, "ack", 5)
    steps.add(6_000, "cancel", 5).add(6_100, "unknown", 5).add(6_900, "cancelled", 5, 6_800)
    steps.add(7_000, "cancel", 1)
    steps.take_in(lake, tmp_path)
    Steps().answered(0, 1, 1, 1).take_in(lake, tmp_path, "older", older=True)
    found = read(lake)
    assert len(found) == 1
    assert found.left_out == NOTHING | {"pending": 2, "unknown": 2, "rejected": 1, "untimed": 2}
    assert found.told() == (
        "1 round trips of paper BTC/USDT on 2023-11-14; left out 2 pending, 2 unknown, 1 rejected, 2 untimed"
    )


def test_a_half_under_0_is_moved_to_0_counted_and_leaves_the_round_trip(lake: Lake, tmp_path: Path) -> None:
    market(lake)
    steps = Steps().answered(0, 1, -250, 1_250).answered(9_000, 2, 1_800, -400).answered(20_000, 3, 500, 500)
    steps.take_in(lake, tmp_path)
    found = read(lake)
    assert (us(found.entry_ns), us(found.response_ns)) == ([0, 1_400, 500], [1_000, 0, 500])
    assert (found.moved, found.moved_ns) == (2, 400 * US)
    assert "2 had a half under 0, by up to 0.400 ms, which is now 0" in found.told()


def test_a_stamp_far_outside_of_the_round_trip_is_a_step_of_a_clock_and_left_out(lake: Lake, tmp_path: Path) -> None:
    market(lake)
    Steps().answered(0, 1, 1_001_900, -1_001_000).answered(9_000, 2, -1_000_001, 1_000_901).answered(
        3_000_000, 3, 1, 2
    ).answered(6_000_000, 4, 999_000, -998_000).take_in(lake, tmp_path)
    found = read(lake)
    assert (len(found), found.moved, found.left_out["astray"]) == (2, 1, 2)


def test_each_day_has_its_own_offset_and_one_without_market_has_none(lake: Lake, tmp_path: Path) -> None:
    market(lake)
    later = midnight(NEXT_DAY) + 3_600 * 10**9
    market(lake, later + 7 * US)  # the clocks have drifted by 7 us
    Steps().answered(0, 1, 700, 300).take_in(lake, tmp_path, "s1")
    Steps(later).answered(0, 1, 700, 300).take_in(lake, tmp_path, "s2")
    far = later + 86_400 * 10**9
    Steps(far).answered(0, 1, 700, 300).take_in(lake, tmp_path, "s3")
    found = read(lake, DAY, Days.within(far, far).last)
    assert len(found) == 2
    assert found.left_out == NOTHING | {"no_offset": 1}
    assert us(read(lake, NEXT_DAY).entry_ns) == [700]


def test_an_answer_after_midnight_belongs_to_the_day_of_its_request(lake: Lake, tmp_path: Path) -> None:
    market(lake)
    before = midnight(NEXT_DAY) - AHEAD_NS - 500 * US
    Steps(before).answered(0, 1, 700, 300).take_in(lake, tmp_path)
    assert us(read(lake).response_ns) == [300]
    with pytest.raises(Failed, match="no round trips"):
        read(lake, NEXT_DAY)


def test_the_offset_is_the_tapes_own(lake: Lake) -> None:
    draws = np.random.default_rng(5)
    late = draws.exponential(3_000, 2_500).astype(np.int64)
    late[:4] = -50_000  # a step of a clock may not make the offset
    market(lake, late_us=late.tolist())
    place = {"venue": VENUE, "symbol": SYMBOL, "first_day": DAY, "last_day": DAY}
    (row,) = lake.query("queries/clock_offsets", **place).rows(named=True)
    exch = START_NS + np.arange(len(late)) * 10**9
    assert row["messages"] == 2_500
    assert row["offset_ns"] == clock_offset(exch + AHEAD_NS + late * US, exch)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (None, "no round trips of BTC/USDT on paper for 2023-11-14: no session quoted there"),
        (Steps().add(0, "place", 1).add(9, "reject", 1), "for 2023-11-14: of 1 requests 1 rejected"),
        (Steps(midnight(NEXT_DAY)).answered(0, 1, 7, 7), "for 2023-11-14: days with some are 2023-11-15"),
    ],
)
def test_without_round_trips_the_error_says_why(lake: Lake, tmp_path: Path, steps, said: str) -> None:
    market(lake)
    if steps is not None:
        steps.take_in(lake, tmp_path)
    with pytest.raises(Failed, match=said):
        read(lake)


def test_a_lake_of_an_older_build_says_how_to_bring_it_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = LakeSettings.under(tmp_path / "old")
    make_older_lake(settings, 27, monkeypatch)
    with (
        Lake.open(settings, read_only=True) as old,
        pytest.raises(Failed, match="kept no venue time of orders: microvol ingest brings it up to date"),
    ):
        read(old)
    with Lake.open(settings) as new, pytest.raises(Failed, match="no session quoted there"):
        read(new)


def test_figures_are_of_all_pairs_and_draws_are_the_seeds_own() -> None:
    entry = np.arange(1, 101) * 10**6
    found = RoundTrips(VENUE, SYMBOL, Days(DAY, DAY), entry, entry[::-1] * 2, 3, 5, NOTHING, entry, 1)
    assert found.figures["entry_latency_ms_p50"] == pytest.approx(50.5)
    assert found.figures["response_latency_ms_p99"] == pytest.approx(198.02)
    assert found.figures["round_trip_ms_p50"] == pytest.approx(151.5)
    assert (found.figures["round_trips"], found.figures["round_trips_moved"]) == (100.0, 3.0)
    given = drawn(zip(entry.tolist(), (entry[::-1] * 2).tolist(), strict=True), 11)
    assert found.drawn(11) == given
    assert found.drawn(12) != given


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("recorded", Recorded()),
        ("recorded:2023-11-14", Recorded(Days(DAY, DAY))),
        ("recorded:2023-11-14..2023-11-15", Recorded(Days(DAY, NEXT_DAY))),
        ("8,5.5", Constant(8_000_000, 5_500_000)),
        ("0,0.000001", Constant(0, 1)),
        ("12.3456789,1", Constant(12_345_679, 1_000_000)),
    ],
)
def test_a_line_is_read_and_written_alike(text: str, means) -> None:
    assert read_line(text) == means
    assert read_line(str(means)) == means


@pytest.mark.parametrize(
    "text", ["", "fast", "recorded:", "recorded:today", "recorded:2023-11-14..", "8", "1,2,3", "-1,2", "nan,1", "1,inf"]
)
def test_what_says_nothing_of_a_line_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(BadInput, match="latency was"):
        read_line(text)


def test_days_must_be_in_order() -> None:
    with pytest.raises(BadInput, match="the first day must not be after the last"):
        read_line("recorded:2023-11-15..2023-11-14")
