"""How fast ingest takes in a backlog: segments as the recorder leaves them, one symbol, into a new lake."""

import tempfile
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import orjson

from analytics.ingest.ingest import ingest
from analytics.lake.settings import LakeSettings
from analytics.lake.store import Lake
from bench.lake import frames
from bench.lake.stored_day import SYMBOL, VENUE
from bench.peer.day import Day, day_tape
from strategy.errors import Failed
from strategy.live.layout import Layout
from strategy.live.segment import SegmentWriter
from strategy.replay.tape import TapeInfo

ROTATE_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class Drained:
    """One backlog taken in."""

    recorded_s: float
    updates: int
    changes: int
    trades: int
    wall_s: float
    processor_s: float

    @property
    def times_real_time(self) -> float:
        """Return how many seconds of recording went in in one."""
        return self.recorded_s / self.wall_s


def drained(hours: float, home: Path) -> Drained:
    """Write so many hours of the synthetic day as segments and ingest them."""
    tape, info = day_tape(Day(hours=hours), home)
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder))
        with SegmentWriter(layout.segments(VENUE, SYMBOL), rotate_seconds=ROTATE_S) as writer:
            for line in chain([_filters(info, int(tape.update_local[0]))], frames.lines(tape, info)):
                stamp, _, payload = line.rstrip(b"\n").partition(b" ")
                writer.write(int(stamp), payload)
        with Lake.open(LakeSettings.under(Path(folder) / "lake")) as lake:
            begun, used = time.perf_counter(), time.process_time()
            report = ingest(lake, layout)
            wall, used = time.perf_counter() - begun, time.process_time() - used
    if report.problems or report.market.depth_updates != len(tape.fresh) - 1 or report.market.gaps:
        raise Failed(f"the backlog did not go in whole: {report}")
    recorded = float(tape.update_local[-1] - tape.update_local[0]) / 1e9
    return Drained(recorded, report.market.depth_updates, len(tape.level_side), report.market.trades, wall, used)


def _filters(info: TapeInfo, local_ns: int) -> bytes:
    """Return the line with the venue's filters that every recording has."""
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": info.tick_size},
        {"filterType": "LOT_SIZE", "stepSize": info.lot_size, "minQty": info.min_qty},
        {"filterType": "NOTIONAL", "minNotional": info.min_notional},
    ]
    symbols = {"symbols": [{"symbol": SYMBOL.replace("/", ""), "filters": filters}]}
    return b"%d %b\n" % (local_ns, orjson.dumps(symbols))
