"""Where a lake is: its catalogue, and the folder or bucket of its files."""

from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from strategy.errors import BadInput

_BUCKET: Final = "s3://"


class LakeSettings(BaseModel):
    """`sqlite:/path/catalog.sqlite` or `postgres:<libpq string>`, and a folder or `s3://BUCKET/FOLDER`.

    `endpoint` is the address of an object store that is not Amazon's, like `http://127.0.0.1:8333`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    catalog: str = Field(repr=False)
    data_path: str
    endpoint: str = ""
    region: str = "us-east-1"

    @field_validator("catalog")
    @classmethod
    def _known_catalogue(cls, catalog: str) -> str:
        kind, _, place = catalog.partition(":")
        if kind not in ("sqlite", "postgres") or not place:
            raise ValueError("must be sqlite:FILE or postgres:CONNECTION STRING")
        return catalog

    @field_validator("data_path", mode="before")
    @classmethod
    def _folder_or_bucket(cls, place: str | Path) -> str:
        text = str(place).rstrip("/")
        if "://" in text and not text.startswith(_BUCKET):
            raise ValueError(f"was {text}, it must be a folder or {_BUCKET}BUCKET/FOLDER")
        return text

    @field_validator("endpoint")
    @classmethod
    def _address(cls, endpoint: str) -> str:
        if endpoint and not endpoint.startswith(("http://", "https://")):
            raise ValueError(f"was {endpoint}, it must begin with http:// or https://")
        return endpoint

    @classmethod
    def under(cls, folder: Path) -> Self:
        """Return the default lake of a folder: a SQLite catalogue beside the data."""
        return cls(catalog=f"sqlite:{folder / 'catalog.sqlite'}", data_path=str(folder / "data"))

    @classmethod
    def chosen(cls, folder: Path, catalog: str = "", data: str = "", endpoint: str = "", region: str = "") -> Self:
        """Return a folder's default lake but for what is given; a wrong value is one line that names the setting."""
        given = {"catalog": catalog, "data_path": data, "endpoint": endpoint, "region": region}
        known = cls.under(folder).model_dump() | {name: value for name, value in given.items() if value}
        try:
            return cls(**known)
        except ValidationError as error:
            fault = error.errors(include_input=False)[0]
            field = {"catalog": "catalog", "data_path": "lake_data", "endpoint": "lake_endpoint"}[str(fault["loc"][0])]
            raise BadInput(f"settings: {field} {fault['msg'].removeprefix('Value error, ')}") from None

    @property
    def catalog_file(self) -> Path | None:
        """Return the catalogue's file, None when it is a server."""
        kind, _, place = self.catalog.partition(":")
        return Path(place) if kind == "sqlite" else None

    @property
    def connection(self) -> str:
        """Return the connection string of the catalogue's server, with whatever password it carries."""
        return self.catalog.partition(":")[2]

    @property
    def folder(self) -> Path | None:
        """Return the folder of the files, None when they are in an object store."""
        return None if self.data_path.startswith(_BUCKET) else Path(self.data_path)
