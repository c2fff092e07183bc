"""`params.json`: the one file that carries a registered version to a quoting process, and its checks."""

import hashlib
import os
from pathlib import Path
from typing import Any, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from strategy.errors import BadParameters
from strategy.policies.faults import one_line
from strategy.policies.migration import is_older
from strategy.policies.parameters import ParameterSet


class Instrument(BaseModel):
    """A symbol's filters as the venue states them; sizes as decimal strings, so that they stay exact."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    venue: str
    symbol: str = Field(pattern=r"^[A-Z0-9]+/[A-Z0-9]+(:[A-Z0-9]+)?$")
    tick_size: str
    lot_size: str
    min_qty: str = "0"
    min_notional: str = "0"

    @property
    def slug(self) -> str:
        """Return the symbol as it stands in file names: `BTC-USDT`."""
        return self.symbol.replace("/", "-").replace(":", "_")


class Provenance(BaseModel):
    """Where a version comes from; everything needed to compute it again."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    window_start_ns: int | None = None
    window_end_ns: int | None = None
    lake_snapshot: int | None = None
    tape_fingerprint: str | None = None
    seed: int | None = None
    trials: int | None = None
    study: str | None = None
    run_id: str | None = None
    gates: tuple[dict[str, Any], ...] = ()


class ParameterDocument(BaseModel):
    """A version of the parameters with all that a quoting process checks before it uses them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: int = Field(ge=0)
    instrument: Instrument
    parameters: ParameterSet
    kernel_digest: str
    provenance: Provenance = Provenance()
    content_hash: str = ""

    @model_validator(mode="before")
    @classmethod
    def _migrate(cls, data: Any) -> Any:
        """Take a document of an older schema by the hash of what it said then; it is hashed anew as it is now."""
        if not isinstance(data, dict) or not is_older(data.get("parameters")):
            return data
        claimed, actual = data.get("content_hash", ""), content_hash(data)
        if claimed != actual:
            raise ValueError(_mismatch(claimed, actual))
        return data | {"content_hash": ""}

    @model_validator(mode="after")
    def _can_be_quoted(self) -> Self:
        """Refuse parameters that still lack their thresholds."""
        if not self.parameters.regimes.resolved:
            quantiles = self.parameters.regimes.threshold_quantiles
            raise ValueError(f"regimes.threshold_quantiles were {quantiles} and are not resolved: calibrate first")
        return self

    @model_validator(mode="after")
    def _digest(self) -> Self:
        expected = document_hash(self)
        if self.content_hash == "":
            object.__setattr__(self, "content_hash", expected)
        elif self.content_hash != expected:
            raise ValueError(_mismatch(self.content_hash, expected))
        return self

    def to_json(self) -> bytes:
        """Return the file's bytes: indented, sorted, ending in a newline."""
        option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(self.model_dump(mode="json"), option=option)


def document_hash(document: ParameterDocument) -> str:
    """Return the SHA-256 (hex) of all of a document but its version and the hash itself.

    The version number is the registry's; it is given after the content is fixed.
    """
    return content_hash(document.model_dump(mode="json"))


def content_hash(content: dict[str, Any]) -> str:
    """Return the SHA-256 (hex) of a decoded document, without its version and the hash itself."""
    hashed = {name: value for name, value in content.items() if name not in ("content_hash", "version")}
    return hashlib.sha256(orjson.dumps(hashed, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _mismatch(claimed: Any, actual: str) -> str:
    return f"content_hash was {str(claimed)[:12]}…, the content has {actual[:12]}…"


def parse_document(data: bytes, origin: str) -> ParameterDocument:
    """Check the bytes of a parameter file; every fault is one line that names `origin`."""
    try:
        return ParameterDocument.model_validate(orjson.loads(data))
    except orjson.JSONDecodeError as error:
        raise BadParameters(f"{origin} is not JSON ({error}); is it truncated?") from error
    except ValidationError as error:
        raise BadParameters(f"{origin}: {one_line(error, ParameterDocument)}") from error


def read_document(path: Path) -> ParameterDocument:
    """Read and check a parameter file."""
    try:
        return parse_document(path.read_bytes(), str(path))
    except FileNotFoundError as error:
        raise BadParameters(f"parameter file {path} does not exist") from error


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file in one step, on disk before it is visible: a reader sees the old bytes or the new, never a mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
