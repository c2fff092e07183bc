"""Older schemas of a parameter set, brought to the present one without changing what they mean."""

from typing import Any, Final

SCHEMA_VERSION: Final = 2

# Version 1 had neither of these rules: a version that was calibrated without them goes on without them.
_RULES_AFTER_1: Final[dict[str, Any]] = {
    "risk": {
        "lockout_seconds": 0.0,
        "stale_after_seconds": None,
        "collar_bps": None,
        "max_orders_per_second": None,
        "max_orders_per_day": None,
    }
}


def migrated(data: dict[str, Any]) -> dict[str, Any]:
    """Return decoded parameters in the present schema; what is not an older version is returned as it is."""
    if data.get("schema_version") == 1:
        return {**_RULES_AFTER_1, **data, "schema_version": 2}
    return data
