"""Before real money: a person has to say that he understands, and every check of the doctor has to pass."""

from typing import Final
from urllib.parse import urlsplit

from flows.settings import TESTNET, Settings
from strategy.errors import BadInput, Failed
from strategy.venues.settings import PAPER_LIVE

REAL: Final = "live"  # this name means real money wherever its addresses lead
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def is_real(settings: Settings) -> bool:
    """Say whether orders at this venue are paid with real money; a venue of which nothing else is known is."""
    if settings.venue == PAPER_LIVE:
        return False
    url = settings.venue_table(settings.venue).rest_url
    harmless = url == TESTNET.rest_url or (url is not None and urlsplit(url).hostname in _LOOPBACK)
    return settings.venue == REAL or not harmless


def require(settings: Settings, i_understand: bool) -> None:
    """Raise BadInput without a person's word, Failed when a check of the doctor fails; play money needs neither."""
    if not is_real(settings):
        return
    if not i_understand:
        raise BadInput(f"venue {settings.venue} trades with real money: say so with --i-understand")
    from flows.doctor import FAILED, examine

    failed = [f"{line.what}: {line.detail}" for line in examine(settings) if line.state == FAILED]
    if failed:
        more = f" (and {len(failed) - 1} more, see microvol doctor)" if failed[1:] else ""
        raise Failed(f"the doctor forbids quoting on {settings.venue}: {failed[0]}{more}")
