"""The unmodified ccxt exchange, wired to the addresses of a `VenueConfig`, and what its feed and broker share.

ccxt signs, sends and knows the error classes. What it parses coalesces or rounds, so frames and replies are read raw.
"""

import asyncio
import logging
import re
import ssl
from collections.abc import Callable
from functools import cache
from typing import Any, Final, Self

import ccxt.pro
import structlog
from ccxt.async_support.base.ws.client import Client

from strategy.errors import OrderRejected, OutcomeUnknown, VenueError
from strategy.kernel.records import REJECT_BALANCE, REJECT_FILTER, REJECT_OTHER, REJECT_POST_ONLY
from strategy.venues.settings import VenueConfig

log = structlog.get_logger("venue")

KEEP_ALIVE_MS: Final = 15_000
RECV_WINDOW_MS: Final = 5_000
# After a failed watch the loop has to breathe: an error that ccxt has stored is raised again at once, for ever.
PAUSE_SECONDS: Final = 0.05
CLOSE_SECONDS: Final = 5.0  # a venue that talks on and never answers our close is left after so long
# ccxt's own logger tells every signed request to whoever turns debugging on; this one has warnings alone.
_LOGGER: Final = logging.Logger("ccxt", logging.WARNING)
_SILENT_SECONDS: Final = 3 * KEEP_ALIVE_MS / 1000
_TEXT_LIMIT: Final = 300
_REFUSED: Final = 400

_UNKNOWN_ORDER: Final = (-2011, -2013)
_OUTCOME_UNKNOWN: Final = (-1000, -1001, -1006, -1007)
_REJECT_CODES: Final = {
    -1013: REJECT_FILTER,
    -2019: REJECT_BALANCE,  # this and the following are futures' own: margin, reduction, least notional, post-only
    -2022: REJECT_BALANCE,
    -4164: REJECT_FILTER,
    -5022: REJECT_POST_ONLY,
}
_REJECTS: Final[dict[type[Exception], int]] = {
    ccxt.pro.OrderImmediatelyFillable: REJECT_POST_ONLY,
    ccxt.pro.InsufficientFunds: REJECT_BALANCE,
}
# These are NetworkErrors to ccxt, yet the venue has answered: nothing was carried out.
_ANSWERED: Final = (ccxt.pro.DDoSProtection, ccxt.pro.RateLimitExceeded, ccxt.pro.InvalidNonce)

_CODE: Final = re.compile(r'"code"\s*:\s*(-?\d+)')
_QUERY: Final = re.compile(r"(\w+://[^\s?]+)\?\S*")
_SECRETS: Final = re.compile(
    r"(?i)\b(signature|apikey|api_key|listenkey|x-mbx-apikey)\b(['\"]?\s*[=:]\s*['\"]?)[^&\s'\",}]+"
)


def open_exchange(config: VenueConfig) -> Any:
    """Return a `ccxt.pro.binance` that talks to the configured addresses alone.

    With addresses of our own every endpoint that is not among them fails closed, because ccxt's sandbox mode replaces
    the whole table.
    """
    exchange = ccxt.pro.binance(
        {
            "apiKey": config.api_key.get_secret_value(),
            "secret": config.secret.get_secret_value(),
            "enableRateLimit": False,  # costs 250 ms a websocket message; see strategy.venues.budget
            "timeout": RECV_WINDOW_MS,
            "logger": _LOGGER,
            "options": {
                "defaultType": "swap" if config.is_futures else "spot",
                "fetchMarkets": {"types": ["linear" if config.is_futures else "spot"]},
                "streamLimits": {"spot": 1},
                "recvWindow": RECV_WINDOW_MS,
            },
        }
    )
    exchange.streaming["keepAlive"] = KEEP_ALIVE_MS
    exchange.on_rest_response = json_alone
    exchange.ssl_context = _trusted(exchange.cafile)
    if config.rest_url is not None:
        exchange.urls["test"] = _addresses(config)
    if config.rest_url is not None or config.name == "testnet":
        exchange.set_sandbox_mode(True)
    return exchange


@cache
def _trusted(authorities: str) -> ssl.SSLContext:
    """Return what all exchanges of a process share: they would read the same authorities, 40 ms each."""
    return ssl.create_default_context(cafile=authorities)


def json_alone(status: int, *reply: Any) -> str:
    """Return a reply's text; one that says all is well and is no JSON (a page, nothing at all) says nothing.

    ccxt hands such a text on, and whoever counts its rows finds an empty account or no open orders.
    """
    text = str(reply[4]).strip()
    if status < _REFUSED and text[:1] not in ("{", "["):
        raise ccxt.pro.ExchangeNotAvailable(f"HTTP {status} with a reply that is no JSON: {text[:40]!r}")
    return text


def _addresses(config: VenueConfig) -> dict[str, Any]:
    """Return ccxt's table of addresses with those of the configuration, and no other."""
    root, account = config.rest_url, {"sapi": f"{config.rest_url}/sapi/v1"}
    if config.is_futures:
        versions = {"fapiPublic": "v1", "fapiPrivate": "v1", "fapiPrivateV2": "v2", "fapiPrivateV3": "v3"}
        rest = {name: f"{root}/fapi/{version}" for name, version in versions.items()}
        return account | rest | {"ws": {"linear": config.stream_url}}
    streams = {"spot": config.stream_url, "ws-api": {"spot": config.ws_api_url}}
    return account | {"public": f"{root}/api/v3", "private": f"{root}/api/v3", "ws": streams}


def stream_url(exchange: Any) -> str:
    """Return the address of combined streams; ccxt tells spot by `/stream` in it."""
    return f"{_stream_host(exchange)}/stream"


def listen_key_url(exchange: Any, key: str) -> str:
    """Return the address of the user stream that a listen key opens."""
    return f"{_stream_host(exchange)}/ws/{key}"


def _stream_host(exchange: Any) -> str:
    kind = "spot" if exchange.options["defaultType"] == "spot" else "linear"
    return str(exchange.urls["api"]["ws"][kind]).removesuffix("/ws").removesuffix("/stream")


def ws_api_url(exchange: Any) -> str:
    """Return the address of the websocket API, which carries the user stream."""
    return str(exchange.urls["api"]["ws"]["ws-api"]["spot"])


def redacted(error: object) -> str:
    """Return the first line of an error without queries of signed addresses or anything like a key."""
    text = str(error).strip().split("\n", 1)[0] or type(error).__name__
    cause = getattr(error, "__cause__", None)  # ccxt names the address alone; the kind of failure is in its cause
    text = f"{text} ({type(cause).__name__})" if cause is not None else text
    return _SECRETS.sub(r"\1\2***", _QUERY.sub(r"\1?…", text))[:_TEXT_LIMIT]


def venue_code(error: Exception) -> int:
    """Return the venue's own error code, 0 where the error carries none."""
    found = _CODE.search(str(error))
    return int(found.group(1)) if found else 0


def is_unknown_order(error: Exception) -> bool:
    """Say whether the venue answered that it knows no such order."""
    return venue_code(error) in _UNKNOWN_ORDER


def translated(error: Exception, request: str) -> VenueError:
    """Return the error of our tree: OutcomeUnknown unless the venue has surely refused.

    Raise it `from None`: the chain would print the signed address.
    """
    text = f"{request}: {redacted(error)}"
    # a duplicate means that an earlier request with this client id did arrive
    unknown = isinstance(error, ccxt.pro.OperationFailed) or "Duplicate order" in str(error)
    if venue_code(error) in _OUTCOME_UNKNOWN or (unknown and not isinstance(error, _ANSWERED)):
        return OutcomeUnknown(text)
    if isinstance(error, ccxt.pro.BaseError):
        return OrderRejected(text, _reject_code(error))
    return OutcomeUnknown(text)


def _reject_code(error: Exception) -> int:
    for kind, code in _REJECTS.items():
        if isinstance(error, kind):
            return code
    filtered = REJECT_FILTER if "FILTER" in str(error).upper() else REJECT_OTHER
    return _REJECT_CODES.get(venue_code(error), filtered)


class Connection:
    """One websocket of a ccxt exchange with its raw text tapped, and news of its end.

    ccxt tells nobody of a close unless somebody awaits a future of that client: `ended` is that future.
    """

    def __init__(self, exchange: Any, url: str, tap: Callable[[str | bytes], bool]) -> None:
        """Prepare a fresh client; `tap` gets every message and says whether it has dealt with it."""
        self._exchange, self._url, self._tap = exchange, url, tap
        exchange.clients.pop(url, None)
        self._client: Client = exchange.client(url)
        self._pass_on = self._client.handle_text_or_binary_message
        self._client.handle_text_or_binary_message = self._on_text
        self.ended: asyncio.Future[Any] = self._client.future("microvol:ended")

    async def open(self) -> Self:
        """Connect; VenueError when that fails."""
        self._exchange.watch(self._url, "microvol:ended", None, "microvol:ended")
        await asyncio.wait([self._client.connected, self.ended], return_when=asyncio.FIRST_COMPLETED)
        if self.ended.done() or self._client.connected.exception() is not None:
            raise VenueError(f"{self._url.split('?')[0]} cannot be reached: {self.reason()}")
        return self

    async def until_silent(self, poll_s: float, fresh: Callable[[], bool] = lambda: True) -> str:
        """Wait for the end of the connection, of all life on it, or of `fresh`; return the reason."""
        while True:
            done, _ = await asyncio.wait([self.ended], timeout=poll_s)
            if done:
                return self.reason()
            heard_ms = self._client.last_message_at or self._client.connectionEstablished
            if self._exchange.milliseconds() - heard_ms > 1000 * _SILENT_SECONDS or not fresh():
                return "silent"

    def reason(self) -> str:
        """Return why the connection ended."""
        if not self.ended.done() or self.ended.cancelled():
            return "closed"
        return redacted(self.ended.exception() or "closed")

    async def close(self) -> None:
        """Close this connection only and forget its client, so that the next one starts clean."""
        if self._exchange.clients.get(self._url) is self._client:
            del self._exchange.clients[self._url]
        if self._client.error is None:
            self._client.error = VenueError("closed by us")  # ccxt then reports nothing to anybody
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._client.close()
        except TimeoutError:
            log.warning("close not answered", url=self._url.split("?")[0])
        if self.ended.done() and not self.ended.cancelled():
            self.ended.exception()

    def _on_text(self, data: str | bytes) -> None:
        """Hand a message to the tap, and to ccxt what the tap leaves; ccxt stops reading if this ever raises."""
        try:
            if not self._tap(data):
                self._pass_on(data)
        except Exception as error:  # noqa: BLE001 (anything raised here ends ccxt's receive loop in silence)
            log.warning("frame refused", error=redacted(error), frame=data[:80])
