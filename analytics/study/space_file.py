"""A file that says what one study searches: parameters switched on and off, ranges narrowed, on top of the settings.

spread_bps = [0.5, 20.0]                  # any of [calibrate.search]
[parameters]
"inventory.*" = true                      # on: the declared ranges
"quoting.cooldown_time" = false           # off
"quoting.executor_refresh_time" = [5, 60] # on, within this range
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from analytics.study.search import SpaceSettings
from strategy.errors import BadInput
from strategy.policies.faults import one_line

SWITCHES: Final = "parameters"


def read_space(path: Path, settings: SpaceSettings) -> SpaceSettings:
    """Return the settings with a file's changes; what is wrong with the file is one line that names it."""
    try:
        data = tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise BadInput(f"space file {path} does not exist") from error
    except OSError as error:
        raise BadInput(f"space file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # of the decoder, of TOML
        raise BadInput(f"space file {path} is not TOML ({error})") from error
    switches = data.pop(SWITCHES, {})
    for name in ("without", "ranges"):
        if name in data:
            raise BadInput(f"space file {path}: {name} is not taken here, switch parameters under [{SWITCHES}]")
    if not isinstance(switches, dict):
        raise BadInput(f"space file {path}: {SWITCHES} was {switches!r}, it must be a table")
    try:
        return SpaceSettings.model_validate(settings.model_dump() | data | _switched(switches, settings))
    except ValidationError as error:
        raise BadInput(f"space file {path}: {one_line(error, SpaceSettings)}") from error
    except BadInput as error:
        raise BadInput(f"space file {path}: {error}") from error


def _switched(switches: Mapping[str, Any], settings: SpaceSettings) -> dict[str, Any]:
    """Return which parameters are searched, which are not, and the ranges."""
    on, off, ranges = list(settings.parameters), list(settings.without), dict(settings.ranges)
    for name, value in switches.items():
        if value is False:
            off.append(name)
            ranges.pop(name, None)
            on = [each for each in on if each != name]
            continue
        if value is not True and not _is_range(value):
            raise BadInput(f"{SWITCHES}.{name} was {value!r}, it must be true, false or a range [low, high]")
        off = [each for each in off if each != name]
        on += [] if name in on else [name]
        if value is not True:
            ranges[name] = tuple(value)
    return {"parameters": on, "without": off, "ranges": ranges}


def _is_range(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 2
    return numbers and all(isinstance(each, int | float) and not isinstance(each, bool) for each in value)
