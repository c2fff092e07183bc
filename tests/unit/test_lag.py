import os
from pathlib import Path

import pytest
import zstandard

from analytics.care.lag import Lag, lags
from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings
from strategy.live.layout import Layout
from strategy.live.segment import compress
from tests.unit import market_lines as lines

pytestmark = pytest.mark.slow


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def lake(tmp_path: Path):
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        yield lake


def segment(layout: Layout, raw: list[bytes], name: str = "0001.log") -> Path:
    """Write a segment whose last change was when its last line came."""
    path = lines.write(layout.segments("paper", "BTC/USDT") / name, raw)
    last_ns = int(raw[-1].split(b" ")[0])
    os.utime(path, ns=(last_ns, last_ns))
    return path


def test_without_segments_there_is_no_market_to_be_behind(lake: Lake, layout: Layout) -> None:
    assert lags(lake, layout) == []


def test_the_lag_is_what_was_written_since_the_last_line_taken_in(lake: Lake, layout: Layout) -> None:
    whole = lines.session(updates=40)
    segment(layout, whole[:24])
    assert lags(lake, layout) == [Lag("paper", "BTC/USDT", 1, len(b"".join(whole[:24])), pytest.approx(1.05))]
    ingest(lake, layout)
    assert lags(lake, layout) == [Lag("paper", "BTC/USDT", 0, 0, 0.0)]
    segment(layout, whole)
    assert lags(lake, layout) == [Lag("paper", "BTC/USDT", 1, len(b"".join(whole[24:])), pytest.approx(3.0))]


def test_a_compressed_segment_is_behind_by_its_uncompressed_bytes(lake: Lake, layout: Layout) -> None:
    whole = lines.session(updates=40)
    segment(layout, whole[:24])
    ingest(lake, layout)
    compress(segment(layout, whole))
    assert lags(lake, layout)[0].bytes == len(b"".join(whole[24:]))
    ingest(lake, layout)
    assert lags(lake, layout)[0].bytes == 0


def test_a_copy_that_does_not_say_its_length_counts_as_it_is(lake: Lake, layout: Layout) -> None:
    data = zstandard.ZstdCompressor(write_content_size=False).compress(b"".join(lines.session(updates=40)))
    path = layout.segments("paper", "BTC/USDT") / "0001.log.zst"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    assert lags(lake, layout)[0].bytes == len(data)


def test_a_torn_line_is_behind_until_its_file_is_closed_and_then_a_problem(lake: Lake, layout: Layout) -> None:
    whole = lines.session(updates=4)
    path = segment(layout, [*whole, b"1700000009000000000 {to"])
    ingest(lake, layout)
    assert lags(lake, layout)[0].bytes == len(b"1700000009000000000 {to")
    compress(path)
    (problem,) = ingest(lake, layout).problems
    assert problem == f"{path}.zst: 23 bytes of a torn line after line {len(whole)}, left out"
    assert lags(lake, layout)[0].bytes == 0
