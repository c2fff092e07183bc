"""How others look at a recorder: one small file a symbol, beside its segments."""

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from strategy.errors import Failed
from strategy.live.layout import Layout

HEARTBEAT: Final = ".capture.json"  # no segment has a name that begins with a dot


class CaptureStatus(BaseModel):
    """What the capture process says of one symbol once a second."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    pid: int
    heartbeat_ns: int
    started_ns: int
    frames: int
    gaps: int
    last_frame_ns: int
    lag_ms: float
    acknowledged_name: str
    acknowledged_offset: int
    clock_offset_ms: float | None = None  # the venue's clock minus ours; None before the first answer
    clock_rtt_ms: float | None = None
    note: str = ""  # why it stopped, when that was not as told


def capture_status_file(layout: Layout, venue: str, symbol: str) -> Path:
    """Return where the capture process of a symbol shows that it is alive."""
    return layout.segments(venue, symbol) / HEARTBEAT


def read_capture_status(layout: Layout, venue: str, symbol: str) -> CaptureStatus | None:
    """Return what the capture process last wrote, None when there is no such file."""
    path = capture_status_file(layout, venue, symbol)
    try:
        return CaptureStatus.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise Failed(f"{path} is not a status file: {error.errors()[0]['msg']}") from error


def recorded_markets(layout: Layout) -> list[tuple[str, str]]:
    """Return venue and symbol of every market that a recorder has written a status for, in order."""
    found = (layout.home / "segments").glob(f"*/*/{HEARTBEAT}")
    return sorted((path.parent.parent.name, unslug(path.parent.name)) for path in found)


def unslug(name: str) -> str:
    """Return the symbol that `layout.slug` wrote: `BTC-USDT` -> `BTC/USDT`."""
    return name.replace("-", "/", 1).replace("_", ":")
