"""The parameter file as a quoting process sees it: noticed when it changes, checked before it is used."""

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Final

import orjson

from strategy.errors import BadParameters
from strategy.live.doors import Refused
from strategy.live.sizing import SIZE_FILE, at_size, read_sizes
from strategy.policies.document import Instrument, ParameterDocument, parse_document

Stamp = tuple[int, int, int]

_FILTERS: Final = ("tick_size", "lot_size", "min_qty", "min_notional")


class ParameterFile:
    """Read a file again only when its content, or the sizes beside it, have changed; one only touched is no news."""

    def __init__(self, path: Path) -> None:
        """Watch a path, which need not exist yet."""
        self.path = path
        self._sizes = path.with_name(SIZE_FILE)
        self._stamps: tuple[Stamp | None, Stamp | None] | None = None
        self._digest = b""

    def news(self) -> bytes | None:
        """Return the content when it or the sizes are new, else None."""
        stamps = (_stamp(self.path), _stamp(self._sizes))
        if stamps[0] is None or stamps == self._stamps:
            return None
        try:
            data = self.path.read_bytes()
            sizes = b"" if stamps[1] is None else self._sizes.read_bytes()
        except FileNotFoundError:
            return None
        self._stamps = stamps
        digest = hashlib.sha256(data + b"\0" + sizes).digest()
        if digest == self._digest:
            return None
        self._digest = digest
        return data


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def checked_document(data: bytes, path: Path, instrument: Instrument) -> ParameterDocument:
    """Return the document, as large as it may quote, if it is whole and made for this instrument as it is now."""
    document = parse_document(data, str(path))
    meant = document.instrument
    if (meant.venue, meant.symbol) != (instrument.venue, instrument.symbol):
        found = f"{instrument.symbol} on {instrument.venue}"
        raise BadParameters(f"{path} is for {meant.symbol} on {meant.venue}, this process quotes {found}")
    for name in _FILTERS:
        if Decimal(getattr(meant, name)) != Decimal(getattr(instrument, name)):
            raise BadParameters(f"{path}: {name} was {getattr(meant, name)}, the venue has {getattr(instrument, name)}")
    return at_size(document, read_sizes(path.parent).get(document.version, 1.0))


def refusal(data: bytes, reason: str) -> Refused:
    """Name a refused file by the hash it claims, or by its bytes' own when it claims none."""
    try:
        claimed = orjson.loads(data)["content_hash"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        claimed = None
    return Refused(
        content_hash=claimed if isinstance(claimed, str) else hashlib.sha256(data).hexdigest(), reason=reason
    )
