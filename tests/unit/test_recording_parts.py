"""Silence, backoff, the clocks, disk space, and the names of markets: each by itself."""

import asyncio
import random
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest

from flows.markets import markets
from flows.settings import Settings, load_settings
from strategy.errors import BadData, BadInput, NoSpace
from strategy.live.disk_space import DiskSpace
from strategy.venues import clock
from strategy.venues.backoff import Backoff
from strategy.venues.clock import Asked, ClockEstimate, JumpWatch, estimate
from strategy.venues.events import ClockOffset
from strategy.venues.silence import Silence
from strategy.venues.wire import parse


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    return load_settings(home=tmp_path)


def test_the_steady_stream_is_silent_after_the_given_time(seconds: Seconds) -> None:
    silence = Silence("depth", ["trade"], 15.0, seconds)
    seconds.now = 14.9
    assert silence.alarm() is None
    seconds.now = 15.1
    assert silence.alarm() == "depth"


def test_a_quiet_stream_is_given_ten_times_its_longest_pause(seconds: Seconds) -> None:
    silence = Silence("depth", ["trade"], 15.0, seconds)
    seconds.now = 20.0
    silence.heard("trade")
    assert silence.limit("trade") == 200.0
    for seconds.now in range(25, 225, 5):
        silence.heard("depth")
        assert silence.alarm() is None, seconds.now
    seconds.now = 220.5
    silence.heard("depth")
    assert silence.alarm() == "trade"


def test_every_alarm_in_vain_doubles_a_quiet_streams_limit_until_it_is_heard(seconds: Seconds) -> None:
    silence = Silence("depth", ["trade"], 1.0, seconds)
    alarms = []
    for tick in range(1, 601):
        seconds.now = tick / 10
        silence.heard("depth")
        if silence.alarm() is not None:
            alarms.append(seconds.now)
            silence.begin()
    assert [round(each, 1) for each in alarms] == [4.1, 12.2, 28.3]
    silence.heard("trade")
    assert silence.limit("trade") == pytest.approx(10 * (60.0 - alarms[-1]))


def test_pauses_double_to_their_longest_with_jitter_and_begin_anew_after_a_healthy_time() -> None:
    backoff = Backoff(0.05, random.Random(7))
    pauses = [backoff.after(0.0) for _ in range(12)]
    whole = [min(0.05 * 2 ** (n + 1), 10.0) for n in range(12)]
    assert all(top / 2 <= pause <= top for pause, top in zip(pauses, whole, strict=True))
    assert len({round(pause / top, 6) for pause, top in zip(pauses, whole, strict=True)}) == 12
    assert backoff.after(60.0) <= 0.05


def test_the_clocks_offset_is_the_median_and_outlasts_a_slow_answer() -> None:
    asked = [Asked(t, t + 80_000_000 - 500_000 + 1_000_000, t + 2_000_000) for t in range(0, 4_000, 1_000)]
    slow = Asked(0, 80_500_000, 900_000_000)
    assert estimate([*asked, slow]) == ClockEstimate(80_000_000, 2_000_000, 5)


def test_a_clock_that_is_set_has_jumped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = SimpleNamespace(wall=10**18, counted=5)
    times = SimpleNamespace(time_ns=lambda: now.wall, monotonic_ns=lambda: now.counted)
    monkeypatch.setattr(clock, "time", times)
    watch = JumpWatch()
    now.wall, now.counted = now.wall + 10**9, now.counted + 10**9
    assert watch.jumped_ns() == 0
    now.wall -= 3_600 * 10**9
    assert watch.jumped_ns() == -3_600 * 10**9
    assert watch.jumped_ns() == 0


def test_a_clock_line_is_an_event_and_a_wrong_one_is_bad_data() -> None:
    line = orjson.dumps({"clock": {"offset_ns": -5, "rtt_ns": 7, "samples": 3}})
    assert parse(9, line) == (ClockOffset(9, -5, 7, 3),)
    with pytest.raises(BadData, match="clock message lacks 'rtt_ns'"):
        parse(9, b'{"clock": {"offset_ns": 1}}')


async def test_too_little_room_is_an_alert_that_says_how_much(tmp_path: Path) -> None:
    free = [600e6, 600e6, 499e6]
    space = DiskSpace(tmp_path, 500, lambda folder: int(free.pop(0)))
    with pytest.raises(NoSpace, match=r"disk nearly full: 499\.0 MB free at .*capture\.min_free_mb is 500"):
        await asyncio.wait_for(space.watch(asyncio.Event()), 10)
    assert free == []


def test_a_market_is_named_with_or_without_its_venue(settings: Settings) -> None:
    found = markets(settings, ["BTC/USDT", "binance:ETH/USDT", "binance:BTC/USDT:USDT"])
    names = [(each.venue, each.symbol) for each in found]
    assert names == [("paper", "BTC/USDT"), ("binance", "ETH/USDT"), ("binance", "BTC/USDT:USDT")]
    assert all(each.home == settings.home for each in found)
    assert markets(settings, []) == [settings]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["BTC/USDT", "paper:BTC/USDT"], "BTC/USDT at paper is named twice"),
        (["nowhere:BTC/USDT"], "venue 'nowhere' is unknown"),
        (["BTCUSDT"], "symbol was 'BTCUSDT'"),
    ],
)
def test_a_wrong_market_is_one_clear_line(settings: Settings, texts: list[str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        markets(settings, texts)
