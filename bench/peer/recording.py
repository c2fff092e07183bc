"""A recorded file as a tape, through microvol's own importer and lake.

The folder is given by argument or in MICROVOL_RECORDINGS; it holds collector files such as `btcusdt_20240808.gz`.
"""

import os
from pathlib import Path
from typing import Final

from analytics.ingest.importer import import_files
from analytics.lake.store import Lake, LakeSettings
from analytics.tape.tape import load_tape
from strategy.replay.tape import Tape, TapeInfo

VARIABLE: Final = "MICROVOL_RECORDINGS"
VENUE: Final = "binance"
SYMBOL: Final = "BTC/USDT"
PATTERN: Final = "btcusdt_*.gz"


def recorded_files(folder: str | None) -> list[Path]:
    """Return the recordings in a folder, none where there is no such folder."""
    given = folder or os.environ.get(VARIABLE)
    return sorted(Path(given).glob(PATTERN)) if given else []


def recorded_tape(files: list[Path], home: Path) -> tuple[Tape, TapeInfo]:
    """Return the tape of recordings, imported into a lake of its own under `home` once."""
    with Lake.open(LakeSettings.under(home)) as lake:
        import_files(lake, files, VENUE, SYMBOL)
        return load_tape(lake, VENUE, SYMBOL)
