"""The faults that can be asked for, a closed model each: `what` names the fault, the other fields say how much of it.

A fault on replies meets the next `count` requests that `on` names: `any`, `signed`, or one operation. With `after` the
operation takes place first and only its reply is at fault, so that the client is told an error of an order that rests.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from strategy.errors import BadInput
from strategy.policies.parameters import one_line
from strategy.venues.paper.config import YEAR_MS
from strategy.venues.paper.futures.routes import FUTURES
from strategy.venues.paper.routes import ACCOUNT, LISTEN_KEY, REST, SOCKET, SUBSCRIBE

Stream = Literal["depth", "trade", "bookTicker"]
ANY, SIGNED = "any", "signed"
_OPERATIONS: Final = (*ACCOUNT.values(), *REST.values(), *SOCKET.values(), *FUTURES.values())
TARGETS: Final = (ANY, SIGNED, *sorted({each.handler.__name__ for each in _OPERATIONS} | {LISTEN_KEY, SUBSCRIBE}))
_SIGNED: Final = {each.handler.__name__ for each in _OPERATIONS if each.signed} | {SUBSCRIBE}


class Known(NamedTuple):
    """An error as the venue states it: its code, its HTTP status, its text and the requests it belongs to."""

    code: int
    status: int
    text: str
    on: str = ANY


_POLLING = "Please use WebSocket Streams for live updates to avoid polling the API."
_TOO_MUCH = Known(
    -1003, 429, f"Too much request weight used; current limit is 6000 request weight per 1 MINUTE. {_POLLING}"
)
_BANNED = (
    "Way too much request weight used; IP banned until {until}. "
    "Please use WebSocket Streams for live updates to avoid bans."
)
KNOWN: Final = {
    429: _TOO_MUCH,
    418: Known(-1003, 418, _BANNED),
    -1003: _TOO_MUCH,
    -1007: Known(
        -1007,
        504,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        "place",
    ),
    -1021: Known(-1021, 400, "Timestamp for this request is outside of the recvWindow.", SIGNED),
    -2010: Known(-2010, 400, "Account has insufficient balance for requested action.", "place"),
    -2011: Known(-2011, 400, "Unknown order sent.", "cancel"),
    -2013: Known(-2013, 400, "Order does not exist.", "order"),
}
UNKNOWN_TEXT: Final = "An unknown error occurred while processing the request."


class _Fault(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class HangUp(_Fault):
    """End connections: in order, or by cutting them."""

    what: Literal["close", "abort"]
    on: Literal["market", "user", "api", "all"] = Field(
        "market", description="which websockets; abort all cuts REST too"
    )


class Skip(_Fault):
    """Leave out the next frames of a stream: their update ids reach nobody."""

    what: Literal["skip"]
    stream: Stream = "depth"
    count: int = Field(1, ge=1)


class Mute(_Fault):
    """Leave out every frame of a stream for a while."""

    what: Literal["mute"]
    stream: Stream = "depth"
    seconds: float = Field(1.0, gt=0)


class Deaf(_Fault):
    """Lose every event of the user stream for a while; its connection stays open."""

    what: Literal["deaf"]
    seconds: float = Field(1.0, gt=0)


class EventDelay(_Fault):
    """Hold the next execution reports back, and what comes behind them."""

    what: Literal["event-delay"]
    seconds: float = Field(0.5, gt=0)
    count: int = Field(1, ge=1)


class EventDuplicate(_Fault):
    """Send the next execution reports twice."""

    what: Literal["event-duplicate"]
    count: int = Field(1, ge=1)


class EventReorder(_Fault):
    """Let the next execution report come after the one behind it; `count` such pairs."""

    what: Literal["event-reorder"]
    count: int = Field(1, ge=1)


class _ReplyFault(_Fault):
    on: str = Field(ANY, description=", ".join(TARGETS))
    count: int = Field(1, ge=1)
    after: bool = False

    @field_validator("on")
    @classmethod
    def _exists(cls, on: str) -> str:
        if on not in TARGETS:
            raise ValueError(f"on was {on!r}, it must be one of {', '.join(TARGETS)}")
        return on

    @property
    def target(self) -> str:
        """Return the requests that are meant."""
        return self.on

    def meets(self, operation: str) -> bool:
        """Say whether a request for an operation is meant."""
        return self.target in (ANY, operation) or (self.target == SIGNED and operation in _SIGNED)


class Error(_ReplyFault):
    """Answer with an error: a code of the venue's (`-1007`) or an HTTP status (`429`, `418`, `503`)."""

    what: Literal["error"]
    code: int
    status: int | None = Field(None, ge=400, le=599, description="default the one that the code comes with")
    text: str | None = None
    on: str = Field("", description="default the requests that the code belongs to, else any")
    seconds: float | None = Field(None, gt=0, description="for so long, however many requests; a ban's length")

    @field_validator("code")
    @classmethod
    def _is_an_error(cls, code: int) -> int:
        if not (-9_999 <= code < 0 or 400 <= code <= 599):
            raise ValueError(f"code was {code}, it must be a negative one or an HTTP status of 400 to 599")
        return code

    @field_validator("on")
    @classmethod
    def _exists(cls, on: str) -> str:
        return super()._exists(on) if on else on

    def known(self) -> Known:
        """Return the error in full, with what the request left open filled in."""
        plain = Known(-1000, self.code, UNKNOWN_TEXT) if self.code > 0 else Known(self.code, 400, UNKNOWN_TEXT)
        found = KNOWN.get(self.code, plain)
        return Known(found.code, self.status or found.status, self.text or found.text, self.on or found.on)

    @property
    def target(self) -> str:
        """Return the requests that are meant."""
        return self.known().on


class Html(_ReplyFault):
    """Answer with a page for people instead of JSON."""

    what: Literal["html"]
    status: int = Field(502, ge=200, le=599)


class Cut(_ReplyFault):
    """Cut the connection instead of answering."""

    what: Literal["cut"]


class Delay(_ReplyFault):
    """Answer late; without `after` the request is late too, as on a slow line to the venue."""

    what: Literal["delay"]
    seconds: float = Field(0.5, gt=0)
    after: bool = True


class Skew(_Fault):
    """Set the venue's clock off this machine's, from now on."""

    what: Literal["skew"]
    ms: int = Field(ge=-YEAR_MS, le=YEAR_MS)


class Restart(_Fault):
    """End every connection and refuse new ones for a while; then remember everything, the money alone, or nothing."""

    what: Literal["restart"]
    seconds: float = Field(1.0, ge=0)
    memory: Literal["all", "money", "nothing"] = "all"


class Clear(_Fault):
    """Forget every fault that still waits."""

    what: Literal["clear"]


ReplyFault: TypeAlias = Error | Html | Cut | Delay
Fault: TypeAlias = (
    HangUp | Skip | Mute | Deaf | EventDelay | EventDuplicate | EventReorder | ReplyFault | Skew | Restart | Clear
)
FAULTS: Final = (
    HangUp,
    Skip,
    Mute,
    Deaf,
    EventDelay,
    EventDuplicate,
    EventReorder,
    Error,
    Html,
    Cut,
    Delay,
    Skew,
    Restart,
    Clear,
)
_READER: Final[TypeAdapter[Fault]] = TypeAdapter(Annotated[Fault, Field(discriminator="what")])


def read_fault(fields: Mapping[str, Any]) -> Fault:
    """Read a fault from its fields, texts or not; BadInput names the field and its value."""
    try:
        return _READER.validate_python(dict(fields))
    except ValidationError as error:
        raise BadInput(f"fault: {one_line(error)}") from None


class Line(NamedTuple):
    """One row of the menu: the fault's names, its fields with their defaults, and what it does."""

    names: str
    fields: str
    does: str


def menu() -> list[Line]:
    """Return every fault for people."""
    lines = []
    for model in FAULTS:
        fields = {name: field for name, field in model.model_fields.items() if name != "what"}
        names = "|".join(get_args(model.model_fields["what"].annotation))
        given = [_shown(name, field.is_required(), field.default) for name, field in fields.items()]
        lines.append(Line(names, " ".join(given), (model.__doc__ or "").strip()))
    return lines


def _shown(name: str, required: bool, default: Any) -> str:
    if required:
        return f"{name}=…"
    return f"({name}=…)" if default in (None, "") else f"{name}={default}"
