"""The TOML file that says which columns of a table are what."""

import tomllib
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from strategy.errors import BadInput
from strategy.policies.faults import one_line

UNITS_NS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_LEVEL: Final = "{level}"


class Times(BaseModel):
    """The columns of both clocks. Without one of receive times the venue's time serves as both."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    exch_ts: str
    local_ts: str | None = None
    unit: Literal["s", "ms", "us", "ns"] = "ns"  # since the epoch, UTC; a Parquet timestamp knows its own


class Snapshots(Times):
    """A table whose rows are whole books; `{level}` in a column's name stands for first_level, first_level + 1 …"""

    bid_price: str
    bid_qty: str
    ask_price: str
    ask_qty: str
    levels: int = Field(ge=1, le=10_000)
    first_level: int = Field(default=0, ge=0)

    @field_validator("bid_price", "bid_qty", "ask_price", "ask_qty")
    @classmethod
    def _names_a_level(cls, name: str) -> str:
        if _LEVEL not in name:
            raise ValueError(f"it was {name!r}, it must contain {_LEVEL}")
        return name

    def columns(self, side: str) -> list[str]:
        """Return the names of a side's columns: price and quantity, level after level."""
        names = (self.bid_price, self.bid_qty) if side == "bid" else (self.ask_price, self.ask_qty)
        levels = range(self.first_level, self.first_level + self.levels)
        return [name.replace(_LEVEL, str(level)) for level in levels for name in names]


class Trades(Times):
    """A table whose rows are trades; `buy` and `sell` list what the side column says of the aggressor."""

    price: str
    qty: str
    side: str
    buy: tuple[str, ...] = ("buy",)
    sell: tuple[str, ...] = ("sell",)
    number: str | None = None  # a column that counts a symbol's trades one by one: holes in it become gaps

    def columns(self) -> list[str]:
        """Return the names of the columns besides times."""
        return [self.price, self.qty, self.side, *([self.number] if self.number else [])]


class Mapping(BaseModel):
    """One table for each kind of file; a file is of the kind whose columns it has."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    snapshots: Snapshots | None = None
    trades: Trades | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Mapping":
        if self.snapshots is None and self.trades is None:
            raise ValueError("there is neither [snapshots] nor [trades]")
        return self


def read_mapping(path: Path) -> Mapping:
    """Read a mapping; BadInput names file, field and value."""
    try:
        return Mapping.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        raise BadInput(f"{path}: {one_line(error, Mapping)}") from error
