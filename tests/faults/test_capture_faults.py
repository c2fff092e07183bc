"""One capture process: several markets, and everything that can happen to a connection, on real paper venues."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from strategy.live.capture_status import recorded_markets
from strategy.live.command import also
from strategy.live.layout import Layout
from tests.faults.recording_rig import LoggedVenue, kind, logged_venue, recorded, seen, start_capture
from tests.integration.rig import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggedVenue]:
    with logged_venue(tmp_path_factory.mktemp("venue"), "BTC/FDUSD", "--clock-skew-ms", "1500") as found:
        yield found


def marks(home: Path, venue: LoggedVenue) -> list[str]:
    bodies = [line.payload for line in recorded(home, venue.config) if line.payload.startswith(b'{"epoch"')]
    return [orjson.loads(body)["epoch"]["reason"] for body in bodies]


def test_markets_of_two_venues_in_one_process_each_into_its_own_folder(venue: LoggedVenue, tmp_path: Path) -> None:
    with logged_venue(tmp_path, "ETH/FDUSD", name="second") as other:
        life = start_capture(tmp_path, venue.config, *also(other.config), "--fsync-seconds", "0.2")
        for each in (venue.config, other.config):
            wait_for(lambda each=each: seen(tmp_path, each, 100), 30, f"frames of {each.symbol}")
        first, second = (seen(tmp_path, each) for each in (venue.config, other.config))
        assert first.pid == second.pid == life.process.pid
        assert life.end() == 0
        assert recorded_markets(Layout(tmp_path)) == [("paper", "BTC/FDUSD"), ("second", "ETH/FDUSD")]
        for each, wire in ((venue, b"btcfdusd"), (other, b"ethfdusd")):
            frames = [line.payload for line in recorded(tmp_path, each.config) if kind(line.payload)]
            assert len(frames) >= 99
            assert all(wire in frame[:30] for frame in frames)
            assert set(frames) <= {payload for _, payload in each.published()}


def test_a_market_named_twice_is_bad_input(venue: LoggedVenue, tmp_path: Path) -> None:
    life = start_capture(tmp_path, venue.config, *also(venue.config))
    assert life.wait() == 2
    assert life.said() == "microvol: paper BTC/FDUSD is named twice\n"


def test_a_skipped_update_id_is_a_gap_and_a_snapshot_within_a_second(venue: LoggedVenue, tmp_path: Path) -> None:
    life = start_capture(tmp_path, venue.config)
    wait_for(lambda: seen(tmp_path, venue.config, 50), 30, "frames")
    delays = []
    for number in range(1, 4):
        venue.fault("skip", stream="depth", count=1)
        wait_for(lambda number=number: seen(tmp_path, venue.config).gaps == number, 10, "the gap is seen")
    wait_for(lambda: len(snapshots(tmp_path, venue)) >= 4, 10, "a snapshot for each")
    assert life.end() == 0
    lines = recorded(tmp_path, venue.config)
    depth = [(line.local_ns, orjson.loads(line.payload)["data"]) for line in lines if kind(line.payload) == "depth"]
    broken = [now[0] for before, now in itertools.pairwise(depth) if now[1]["U"] != before[1]["u"] + 1]
    for at_ns in broken:
        delays.append(min(stamp for stamp in snapshots(tmp_path, venue) if stamp > at_ns) - at_ns)
    assert len(delays) == 3
    assert max(delays) < 1e9, delays


def snapshots(home: Path, venue: LoggedVenue) -> list[int]:
    return [line.local_ns for line in recorded(home, venue.config) if line.payload.startswith(b'{"lastUpdateId"')]


@pytest.mark.parametrize("what", ["close", "abort"])
def test_a_connection_that_ends_is_followed_by_another(venue: LoggedVenue, tmp_path: Path, what: str) -> None:
    life = start_capture(tmp_path, venue.config)
    wait_for(lambda: seen(tmp_path, venue.config, 50), 30, "frames")
    assert venue.fault(what) >= 1
    wait_for(lambda: marks(tmp_path, venue)[2:3] == ["connected"], 10, "connected again")
    wait_for(lambda: len(snapshots(tmp_path, venue)) >= 2, 10, "a snapshot for the new connection")
    assert life.end() == 0
    assert marks(tmp_path, venue)[1].startswith("lost: ")


@pytest.mark.parametrize(("stream", "name"), [("depth", "depth@100ms"), ("bookTicker", "bookTicker")])
def test_a_stream_that_falls_mute_alone_ends_the_connection(
    venue: LoggedVenue, tmp_path: Path, stream: str, name: str
) -> None:
    life = start_capture(tmp_path, venue.config, "--silence-seconds", "0.4")
    wait_for(lambda: seen(tmp_path, venue.config, 50), 30, "frames")
    before = len(marks(tmp_path, venue))
    venue.fault("mute", stream=stream, seconds=8)
    wait_for(lambda: f"lost: silent {name}" in marks(tmp_path, venue)[before:], 8, "the silence is noticed")
    assert life.end() == 0
    venue.fault("mute", stream=stream, seconds=0.001)


def test_the_venues_clock_is_estimated_and_recorded(venue: LoggedVenue, tmp_path: Path) -> None:
    life = start_capture(tmp_path, venue.config, "--clock-seconds", "0.5")
    found = wait_for(lambda: (s := seen(tmp_path, venue.config)) and s.clock_offset_ms is not None and s, 30, "clock")
    assert abs(found.clock_offset_ms - 1500) < 50
    assert 0 < found.clock_rtt_ms < 50
    bodies = [line.payload for line in recorded(tmp_path, venue.config)]
    clocks = [orjson.loads(body)["clock"] for body in bodies if body.startswith(b'{"clock"')]
    assert life.end() == 0
    assert clocks
    assert all(abs(clock["offset_ns"] - 1_500_000_000) < 50_000_000 and clock["samples"] == 7 for clock in clocks)
