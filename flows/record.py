"""Flow: record a venue's raw frames, and take them into the lake as they come."""

from prefect import flow


@flow
def record(seconds: float | None = None, venue: str | None = None, symbol: str | None = None) -> dict[str, object]:
    """Record until cancelled, or for a while."""
    return {}
