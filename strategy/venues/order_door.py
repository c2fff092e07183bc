"""The way of everything that acts (orders, cancels) to the venue: signed as ccxt signs, judged by ccxt, carried by us.

A request is signed and written in the call that makes it, on a connection that stands open. ccxt's own way takes a
task, a session and 0.8 ms until the same bytes are written.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import ccxt.pro

from strategy.venues.endpoints import Endpoint
from strategy.venues.http_line import Reply
from strategy.venues.later import Later
from strategy.venues.line_pool import LinePool, Sent
from strategy.venues.signing import Signer

_AGENT: Final = "microvol"


class OrderDoor:
    """Signed requests of one exchange to the host of one endpoint."""

    def __init__(
        self, exchange: Any, endpoint: Endpoint, lines: LinePool | None = None, signer: Signer | None = None
    ) -> None:
        """Open lines to the host unless others are given; `exchange` is what signs and judges, and has no proxy."""
        exchange.open()
        self._exchange = exchange
        self._signer = signer or Signer(exchange)
        url = self._signer.base_url(endpoint)
        place = urlsplit(url)
        self._host, self._origin = place.netloc, f"{place.scheme}://{place.netloc}"
        self._lines = lines or LinePool(url, exchange.ssl_context or None, exchange.timeout / 1000)
        self._lines.open()

    def send(self, endpoint: Endpoint, fields: dict[str, Any], written: Callable[[], None] | None = None) -> Later[Any]:
        """Sign a request and write it at once if a line is free; await the reply, which raises ccxt's errors."""
        request = self._signer.sign(endpoint, fields)
        sent = self._lines.send(self._bytes(request), written)
        return Later(partial(self._judged, request, sent))

    async def close(self) -> None:
        """End every connection."""
        await self._lines.close()

    def _bytes(self, request: dict[str, Any]) -> bytes:
        target, body = request["url"].removeprefix(self._origin), request["body"] or ""
        headers = {"Host": self._host, "User-Agent": _AGENT, **request["headers"], "Content-Length": len(body)}
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        return f"{request['method']} {target} HTTP/1.1\r\n{lines}\r\n{body}".encode()

    async def _judged(self, request: dict[str, Any], sent: Sent) -> Any:
        """Return a reply's JSON as ccxt's `fetch` would, or raise what that would."""
        exchange, url, method = self._exchange, request["url"], request["method"]
        details = f"{exchange.id} {method} {url}"
        try:
            reply = await self._lines.reply(sent)
        except TimeoutError as error:
            raise ccxt.pro.RequestTimeout(details) from error
        except OSError as error:
            raise ccxt.pro.ExchangeNotAvailable(details) from error
        return _judge(exchange, request, reply)


def _judge(exchange: Any, request: dict[str, Any], reply: Reply) -> Any:
    asked = (request["url"], request["method"])
    own = (request["headers"], request["body"])
    text = exchange.on_rest_response(reply.status, reply.reason, *asked, reply.headers, reply.text, *own)
    body = exchange.parse_json(text)
    exchange.handle_errors(reply.status, reply.reason, *asked, reply.headers, text, body, *own)
    exchange.handle_http_status_code(reply.status, reply.reason, *asked, text)
    return body
