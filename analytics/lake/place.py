"""Where a checkout keeps its lake, tapes and registry, for who opens them without the command line: a notebook.

The same file and variables as the commands read: `MICROVOL_CONFIG` or `microvol.toml` in the checkout, and `MICROVOL_…`
of the environment, which wins. A home given as an argument wins over both, and then lies there as `microvol` makes it.
"""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from analytics.lake.passwords import refuse_passwords
from analytics.lake.settings import LakeSettings
from strategy.errors import BadInput

ROOT: Final = Path(__file__).resolve().parents[2]
NAMES: Final = ("home", "catalog", "lake_data", "lake_endpoint", "lake_region", "tracking_uri")


@dataclass(frozen=True, slots=True)
class LakePlace:
    """The lake, the folder of cached tapes, and MLflow's address."""

    lake: LakeSettings
    tapes: Path
    tracking_uri: str

    @classmethod
    def of(cls, home: str | Path | None = None) -> Self:
        """Return the place of a home folder; without one, of the settings."""
        said = {"home": str(Path(home).resolve())} if home is not None else _settings()
        folder = (ROOT / Path(said.get("home") or "var").expanduser()).resolve()
        given = {name: said.get(f"lake_{name}", "") for name in ("data", "endpoint", "region")}
        lake = LakeSettings.chosen(folder / "lake", said.get("catalog", ""), **given)
        uri = said.get("tracking_uri") or f"sqlite:///{folder / 'mlflow' / 'mlflow.db'}"
        return cls(lake, folder / "tape", uri)


def _settings() -> dict[str, str]:
    named = os.environ.get("MICROVOL_CONFIG")
    file = Path(named or ROOT / "microvol.toml")
    if named and not file.is_file():
        raise BadInput(f"MICROVOL_CONFIG names {file}, which does not exist")
    try:
        written = tomllib.loads(file.read_text()) if file.is_file() else {}
    except (OSError, ValueError) as error:
        raise BadInput(f"settings: {file} cannot be read: {error}") from error
    refuse_passwords(written, str(file))
    environment = {name: os.environ.get(f"MICROVOL_{name.upper()}") for name in NAMES}
    return {name: str(found) for name in NAMES if (found := environment[name] or written.get(name))}
