"""The trial of a promoted version: what its windows showed, and whether it goes on, has passed or is to be taken back.

Guard metrics are of what was live alone, from the quoting process's own status, so that neither lake nor registry is
needed. A version is taken back when N of the last M windows broke a limit and the newest of them did.
"""

from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from strategy.live.doors import LiveStatus

SECOND_NS = 1_000_000_000


class CanarySettings(BaseModel):
    """The trial of a promoted version: smaller orders for a while, and its end when guard metrics are broken."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    size_factor: float = Field(1.0, gt=0, le=1, description="of its orders; 1 = no trial")
    minutes: float = Field(60.0, gt=0, description="how long it lasts")
    window_minutes: float = Field(5.0, gt=0, description="each window is judged on its own")
    windows: int = Field(3, ge=1, description="the newest so many are looked at")
    breaches: int = Field(2, ge=1, description="so many of them broken, the newest among them: rolled back")
    max_loss_bps: float = Field(5.0, gt=0, description="lost in a window, beside what was held moving, of equity")
    max_order_faults: int = Field(10, ge=0, description="orders refused or not answered in a window")
    max_silent_share: float = Field(0.5, gt=0, le=1, description="of a window in which the process did not quote")

    @model_validator(mode="after")
    def _enough_windows(self) -> Self:
        """Refuse more breaches than windows: such a trial could not end."""
        if self.breaches > self.windows:
            raise ValueError(f"breaches was {self.breaches}, there are only {self.windows} windows")
        return self

    @property
    def window_ns(self) -> int:
        """Return the length of a window."""
        return int(self.window_minutes * 60 * SECOND_NS)


class Record(BaseModel):
    """Base of what is kept of a trial."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Holdings(Record):
    """What was held when, in lots and atoms, at a mid in ticks."""

    base_lots: float
    quote_atoms: float
    mid_ticks: float

    @property
    def equity(self) -> float:
        """Return their worth in atoms."""
        return self.base_lots * self.mid_ticks + self.quote_atoms


class Window(Record):
    """One judged window; `loss_bps` is None where holdings or mid were not known at both ends."""

    start_ns: int
    end_ns: int
    loss_bps: float | None
    order_faults: int
    silent_share: float
    broken: tuple[str, ...]


class OpenWindow(Record):
    """The window under way: how often it was looked at and what was seen."""

    start_ns: int
    looks: int = 0
    silent: int = 0
    order_faults: int = 0
    first: Holdings | None = None
    last: Holdings | None = None
    session: str = ""
    session_faults: int = 0


class CanaryRecord(Record):
    """A trial: which version, the one to go back to, the limits as they were then, since when, until when, windows."""

    version: int
    from_version: int
    limits: CanarySettings
    began_ns: int
    ends_ns: int
    windows: tuple[Window, ...] = ()
    now: OpenWindow


class Verdict(NamedTuple):
    """Whether a trial is over: `passed` is None while it goes on; `why` says it in words."""

    passed: bool | None
    why: str


def begun(settings: CanarySettings, version: int, from_version: int, now_ns: int) -> CanaryRecord:
    """Return the record of a trial that begins."""
    ends_ns = now_ns + int(settings.minutes * 60 * SECOND_NS)
    return CanaryRecord(
        version=version,
        from_version=from_version,
        limits=settings,
        began_ns=now_ns,
        ends_ns=ends_ns,
        now=OpenWindow(start_ns=now_ns),
    )


def observed(record: CanaryRecord, status: LiveStatus | None, now_ns: int) -> CanaryRecord:
    """Return the record after one more look; `status` is None when nothing alive runs the version."""
    seen = _looked(record.now, status)
    if now_ns - seen.start_ns < record.limits.window_ns:
        return record.model_copy(update={"now": seen})
    windows = (*record.windows, _closed(seen, record.limits, now_ns))
    following = OpenWindow(start_ns=now_ns, first=seen.last, session=seen.session, session_faults=seen.session_faults)
    return record.model_copy(update={"windows": windows, "now": following})


def verdict(record: CanaryRecord, now_ns: int) -> Verdict:
    """Judge a trial by its closed windows."""
    newest = record.windows[-record.limits.windows :]
    broken = [window for window in newest if window.broken]
    if len(broken) >= record.limits.breaches and newest[-1].broken:
        told = "; ".join(newest[-1].broken)
        return Verdict(False, f"{len(broken)} of the last {len(newest)} windows broke a limit, the newest: {told}")
    if now_ns >= record.ends_ns:
        return Verdict(
            True, f"{len(record.windows)} windows, {sum(bool(each.broken) for each in record.windows)} broken"
        )
    return Verdict(None, f"{len(record.windows)} windows so far")


def _looked(seen: OpenWindow, status: LiveStatus | None) -> OpenWindow:
    silent = status is None or status.state != "quoting"
    update = {"looks": seen.looks + 1, "silent": seen.silent + silent}
    if status is None:
        return seen.model_copy(update=update)
    before = seen.session_faults if status.session == seen.session else 0
    known = status.order_faults - before if seen.session else 0
    held = _holdings(status)
    return seen.model_copy(
        update=update
        | {"session": status.session, "session_faults": status.order_faults, "order_faults": seen.order_faults + known}
        | ({"first": seen.first or held, "last": held} if held else {})
    )


def _holdings(status: LiveStatus) -> Holdings | None:
    if status.base_lots is None or status.quote_atoms is None or status.mid_ticks is None:
        return None
    return Holdings(base_lots=status.base_lots, quote_atoms=status.quote_atoms, mid_ticks=status.mid_ticks)


def _closed(seen: OpenWindow, limits: CanarySettings, end_ns: int) -> Window:
    loss, silent = _loss_bps(seen.first, seen.last), seen.silent / max(seen.looks, 1)
    broken = []
    if loss is not None and loss > limits.max_loss_bps:
        broken.append(f"loss was {loss:.3g} bps, the limit is {limits.max_loss_bps:g}")
    if seen.order_faults > limits.max_order_faults:
        broken.append(f"order faults were {seen.order_faults}, the limit is {limits.max_order_faults}")
    if silent > limits.max_silent_share:
        broken.append(f"did not quote for {silent:.0%} of the time, the limit is {limits.max_silent_share:.0%}")
    return Window(
        start_ns=seen.start_ns,
        end_ns=end_ns,
        loss_bps=loss,
        order_faults=seen.order_faults,
        silent_share=silent,
        broken=tuple(broken),
    )


def _loss_bps(first: Holdings | None, last: Holdings | None) -> float | None:
    """Return what trading lost, bps of equity: what was held at the start would have moved with mid anyway."""
    if first is None or last is None or first.equity <= 0:
        return None
    gain = last.equity - first.equity - first.base_lots * (last.mid_ticks - first.mid_ticks)
    return -1e4 * gain / first.equity
