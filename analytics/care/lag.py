"""How far the lake is behind the segments on disk: bytes, and seconds of recording."""

from dataclasses import dataclass
from pathlib import Path

from analytics.ingest.intake import NOTHING, Done, Source
from analytics.ingest.segment_files import market_folders, stream_bytes, streams
from analytics.lake.store import Lake
from strategy.live.layout import Layout
from strategy.venues.collector import first_stamp


@dataclass(frozen=True, slots=True)
class Lag:
    """One market's backlog: what its segments hold and the lake does not."""

    venue: str
    symbol: str
    files: int
    bytes: int  # of the uncompressed stream
    seconds: float  # of recording, from the last line taken in to the last one written


def lags(lake: Lake, layout: Layout) -> list[Lag]:
    """Return the lag of every market that has segments; a file that goes while we look counts at its next look."""
    ends = Done.read_all(lake)
    return [_lag(ends, *market) for market in market_folders(layout.home / "segments")]


def _lag(ends: dict[Source, Done], venue: str, symbol: str, folder: Path) -> Lag:
    files, behind, oldest_ns, newest_ns = 0, 0, 0, 0
    for name, path in streams(folder):
        done = ends.get(Source(venue, symbol, name), NOTHING)
        try:
            missing = 0 if done.complete else max(0, stream_bytes(path) - done.offset)
            if not missing:
                continue
            began_ns = done.last_local_ts or first_stamp(path) or 0
            written_ns = path.stat().st_mtime_ns
        except FileNotFoundError:  # compressed just now
            continue
        files, behind = files + 1, behind + missing
        oldest_ns = min(oldest_ns or began_ns, began_ns)
        newest_ns = max(newest_ns, written_ns)
    return Lag(venue, symbol, files, behind, max(0, newest_ns - oldest_ns) / 1e9)
