"""A tape as an .npz file for hftbacktest: one array `data` of its events, written a chunk at a time.

Prices are quote currency and sizes base units, as the floats nearest to the venue's decimals. Times are ns; local_ts is
on the tape's axis: the estimated clock offset is taken out, so that no feed latency is negative.
"""

import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from analytics.export.common import Exported, Progress, check_file, whole, write_metadata
from analytics.export.hft_rows import EVENT_ROW
from analytics.export.hft_tape import TapeRows
from strategy.replay.tape import Tape, TapeInfo

MEMBER: Final = "data.npy"  # hftbacktest reads the array named `data`
_LEVEL: Final = 1  # of compression: a quarter larger than 9, in a tenth of the time


def export_hftbacktest(tape: Tape, info: TapeInfo, out: Path, progress: Progress = lambda share: None) -> Exported:
    """Write a tape's events and, beside them, what they are of; return how many rows there are."""
    check_file(out, ".npz")
    rows = TapeRows(tape)
    with whole(out) as draft:
        _write(rows, info, draft, progress)
    steps = {"tick_size": info.tick_size, "lot_size": info.lot_size}
    about = {"format": "hftbacktest", "venue": info.venue, "symbol": info.symbol, **steps, "rows": rows.count}
    window = {"start_ns": info.start_ns, "end_ns": info.end_ns, "clock_offset_ns": info.clock_offset_ns}
    origin = {"gaps": len(tape.gap_exch), "lake_snapshot": info.lake_snapshot, "tape": info.fingerprint}
    return Exported({out: rows.count}, write_metadata(out.with_suffix(".json"), about | window | origin))


def _write(rows: TapeRows, info: TapeInfo, path: Path, progress: Progress) -> None:
    header = {"descr": npy.dtype_to_descr(EVENT_ROW), "fortran_order": False, "shape": (rows.count,)}
    done = 0
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive,
        archive.open(MEMBER, "w", force_zip64=True) as file,
    ):
        npy.write_array_header_1_0(file, header)
        for chunk in rows.chunks():
            chunk["px"] = in_units(chunk["px"], info.tick_size)
            chunk["qty"] = in_units(chunk["qty"], info.lot_size)
            file.write(chunk.tobytes())
            done += len(chunk)
            progress(done / rows.count)


def in_units(counts: NDArray[np.float64], size: str) -> NDArray[np.float64]:
    """Return whole counts of a step as the floats nearest to their decimals (one rounding, below 2**53)."""
    step = Decimal(size)
    places = max(-int(step.normalize().as_tuple().exponent), 0)
    found: NDArray[np.float64] = counts * float(step.scaleb(places)) / float(10**places)
    return found
