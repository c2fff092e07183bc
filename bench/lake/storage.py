"""Bytes a level change in the lake, on recorded files."""

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from analytics.care.upkeep import CareSettings, care
from analytics.ingest.importer import import_files
from analytics.lake.settings import LakeSettings
from analytics.lake.store import Lake
from bench.peer.recording import SYMBOL, VENUE
from strategy.errors import Failed

MARKET: Final = ("depth_update", "depth_snapshot", "trade", "book_ticker")
EVERYTHING: Final = {"venue": VENUE, "symbol": SYMBOL, "start_ns": 0, "end_ns": 2**62}


@dataclass(frozen=True, slots=True)
class Stored:
    """What recorded depth takes once the files of a day have been merged."""

    changes: int
    updates: int
    gzip_bytes: int  # of the recorded files: depth, trades and best prices
    depth_bytes: int  # of the depth updates in the lake
    lake_bytes: int  # of all that the files hold, in the lake

    @property
    def bytes_a_change(self) -> float:
        """Return what one level change of a depth update takes."""
        return self.depth_bytes / self.changes


def stored(files: list[Path]) -> Stored:
    """Import recorded files into a new lake, merge its files and measure them."""
    with tempfile.TemporaryDirectory() as folder, Lake.open(LakeSettings.under(Path(folder))) as lake:
        faults = import_files(lake, files, VENUE, SYMBOL).faults
        if faults:
            raise Failed(faults[0].text)
        care(lake, CareSettings(snapshot_days=0.0, file_days=0), [], datetime.now(UTC))
        depth = lake.query("queries/depth_updates", **EVERYTHING)
        return Stored(
            changes=int(sum(depth[f"{side}_ticks"].list.len().sum() for side in ("bid", "ask"))),
            updates=len(depth),
            gzip_bytes=sum(path.stat().st_size for path in files),
            depth_bytes=table_bytes(lake)["depth_update"],
            lake_bytes=sum(
                table_bytes(lake)[name] for name in ("depth_update", "depth_snapshot", "trade", "book_ticker")
            ),
        )


def table_bytes(lake: Lake) -> dict[str, int]:
    """Return the bytes of the files of each table."""
    return {name: size for name, _, size in lake.query("care/table_files").iter_rows()}
