"""One HTTP/1.1 connection on which a request leaves in the call that makes it, and the reply comes back as a future."""

import asyncio
from dataclasses import dataclass
from typing import Final, cast

import h11

# h11 reads replies; it is told of a request before there is one, since that would cost more than the request itself.
# What a reply depends on is that the request is no HEAD and no CONNECT.
_ANY_REQUEST: Final = h11.Request(method="POST", target="/", headers=[("Host", "any")])


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply; names of headers in lower case."""

    status: int
    reason: str
    headers: dict[str, str]
    text: str


class HttpLine(asyncio.Protocol):
    """One connection with one request at a time. A future ends in ConnectionError when the reply cannot be had."""

    def __init__(self) -> None:
        """Wait for the connection."""
        self._http = h11.Connection(h11.CLIENT)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._head: h11.Response | None = None
        self._body = bytearray()
        self.lost = asyncio.get_running_loop().create_future()
        self.idle_since_s = 0.0

    @property
    def free(self) -> bool:
        """Say whether a request can be written now."""
        return self._transport is not None and not self._transport.is_closing() and self._answer is None

    def write(self, request: bytes) -> asyncio.Future[Reply]:
        """Write a request, which must ask for neither compression nor an upgrade; the line has to be free."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast(asyncio.Transport, transport)
        self._await_request()

    def data_received(self, data: bytes) -> None:
        """Read on; what is no reply to a request of ours ends the connection."""
        self._read(data)

    def eof_received(self) -> None:
        """Read a reply that ends with the connection."""
        self._read(b"")

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError(str(error or "closed by the venue")))
        if not self.lost.done():
            self.lost.set_result(None)

    def _await_request(self) -> None:
        self._answer, self._head = None, None
        self._body.clear()
        self._http.send(_ANY_REQUEST)
        self._http.send(h11.EndOfMessage())
        self.idle_since_s = asyncio.get_running_loop().time()

    def _read(self, data: bytes) -> None:
        if self._answer is None:
            self.abort()
            return
        try:
            self._http.receive_data(data)
            while self._take(self._http.next_event()):
                pass
        except h11.RemoteProtocolError as error:
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(ConnectionError(f"the reply is no HTTP: {error}"))
            self.abort()

    def _take(self, event: object) -> bool:
        """Take one event of the reply and say whether another may be there."""
        if isinstance(event, h11.Response):
            self._head = event
        elif isinstance(event, h11.Data):
            self._body += event.data
        elif isinstance(event, h11.EndOfMessage):
            self._end()
            return False
        return event is not h11.NEED_DATA and not isinstance(event, h11.ConnectionClosed)

    def _end(self) -> None:
        assert self._head is not None
        assert self._answer is not None
        head, answer = self._head, self._answer
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        reply = Reply(head.status_code, head.reason.decode("latin-1"), headers, self._body.decode(errors="replace"))
        unasked, _ = self._http.trailing_data
        if self._http.their_state is h11.DONE and self._http.our_state is h11.DONE and not unasked:
            self._http.start_next_cycle()
            self._await_request()
        else:
            self.abort()
        if not answer.done():
            answer.set_result(reply)
