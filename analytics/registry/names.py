"""What things are called in MLflow, for those who read it through its REST door too."""

from typing import Final

from strategy.live.layout import slug

FILE: Final = "params.json"  # a version's parameters, an artifact of its LoggedModel


def model_name(venue: str, symbol: str) -> str:
    """Return the registered model of a venue and symbol."""
    return f"microvol-{venue}-{slug(symbol)}"
