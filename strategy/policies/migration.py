"""Older schemas of a parameter set, brought to the present one without changing what they mean."""

from typing import Any, Final

SCHEMA_VERSION: Final = 2

# Version 1 had none of these rules: a version that was calibrated without them goes on without them.
_RULES_AFTER_1: Final[dict[str, Any]] = {
    "risk": {
        "lockout_seconds": 0.0,
        "stale_after_seconds": None,
        "collar_bps": None,
        "max_orders_per_second": None,
        "max_orders_per_day": None,
    }
}
_GROUPS_AFTER_1: Final = ("signals", "barriers", "risk")


def migrated(data: dict[str, Any]) -> dict[str, Any]:
    """Return decoded parameters in the present schema; without a version they are taken to be in it already.

    Raises ValueError for a version that this build does not read, and for a version 1 with groups that came later.
    """
    version = data.get("schema_version", SCHEMA_VERSION)
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise ValueError(f"schema_version was {version!r}, this build reads 1 and {SCHEMA_VERSION}")
    if version == SCHEMA_VERSION:
        return data
    later = [group for group in _GROUPS_AFTER_1 if group in data]
    if later:
        raise ValueError(f"{later[0]} stood in a set of schema_version 1, it came with {SCHEMA_VERSION}")
    return {**data, **_RULES_AFTER_1, "schema_version": SCHEMA_VERSION}


def is_older(data: Any) -> bool:
    """Say whether decoded parameters are in a schema before the present one."""
    return isinstance(data, dict) and data.get("schema_version") == 1
