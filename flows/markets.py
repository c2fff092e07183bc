"""Several markets at once: `VENUE:BASE/QUOTE`, or `BASE/QUOTE` at the venue of the settings."""

from collections.abc import Sequence

from flows.settings import Settings, load_settings
from strategy.errors import BadInput


def markets(settings: Settings, texts: Sequence[str]) -> list[Settings]:
    """Return the settings of each market named, in order; those given when none is. BadInput when one comes twice."""
    found = [_market(settings, text) for text in texts] or [settings]
    names = [(each.venue, each.symbol) for each in found]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"{name[1]} at {name[0]} is named twice")
    return found


def _market(settings: Settings, text: str) -> Settings:
    # a colon behind the slash belongs to the symbol: BTC/USDT:USDT
    venue, _, symbol = text.partition(":") if ":" in text.partition("/")[0] else (settings.venue, "", text)
    found = load_settings(home=settings.home, venue=venue, symbol=symbol)
    found.venue_table(found.venue)
    return found
