"""How much the venue still lets us ask: the limits that it lists in exchangeInfo, counted here before each request.

An order that would break a limit is refused and never waits, for a quote that comes late is a wrong quote. Questions
wait. Cancels go first: at once, with a share of the weight kept for them. What the venue says it has counted corrects
our own count, for others may share address and account; its refusals (429, 418) say how long to be silent.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import structlog

from strategy.errors import OrderRejected
from strategy.kernel.records import REJECT_GUARD

log = structlog.get_logger("budget")

CANCEL_SHARE: Final = 0.1  # of every limit on weight and requests
TOO_MANY: Final = 429
BANNED: Final = 418
_SILENCE_SECONDS: Final = 10.0  # after a refusal that does not say for how long
_POLL_SECONDS: Final = 0.1
_ENDLESS: Final = 1 << 62
_SLICES: Final = 1_000  # of a window: what is used within one of them ends together, with its last
_SECONDS: Final = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}
_LETTERS: Final = {word[0]: seconds for word, seconds in _SECONDS.items()}
_COUNTED: Final = re.compile(r"(?i)x-mbx-(used-weight|order-count)-(\d+)([smhd])")
_KINDS: Final = {"used-weight": "REQUEST_WEIGHT", "order-count": "ORDERS"}


class Window:
    """What has been used of one limit: by our count over the last `seconds`, or by the venue's if that is more."""

    def __init__(self, kind: str, seconds: int, limit: int) -> None:
        """Begin with nothing used; `kind` is the venue's word (REQUEST_WEIGHT, ORDERS, RAW_REQUESTS)."""
        self.kind, self.seconds, self.limit = kind, seconds, limit
        self._spent: deque[tuple[float, int]] = deque()
        self._own = 0
        self._heard, self._until = 0, 0.0

    def used(self, now_s: float) -> int:
        """Return what is used at a time (s on the venue's clock)."""
        while self._spent and self._spent[0][0] <= now_s - self.seconds:
            self._own -= self._spent.popleft()[1]
        return max(self._own, self._heard) if now_s < self._until else self._own

    def spend(self, now_s: float, amount: int) -> None:
        """Use an amount."""
        earlier, slice_s = 0, self.seconds / _SLICES
        if self._spent and self._spent[-1][0] // slice_s == now_s // slice_s:
            earlier = self._spent.pop()[1]
        self._spent.append((now_s, earlier + amount))
        self._own += amount
        self._heard += amount

    def hear(self, now_s: float, used: int) -> None:
        """Take the venue's count, which begins anew with each whole interval of its clock."""
        self._heard, self._until = used, (now_s // self.seconds + 1) * self.seconds

    def __str__(self) -> str:
        """Return the limit for a person."""
        return f"{self.limit} {self.kind.lower().replace('_', ' ')} in {self.seconds} s"


class Budget:
    """Every limit of one account and address; one for each connection that trades."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """Begin without limits; `now_s` is the venue's clock in seconds."""
        self._now_s = now_s
        self._windows: list[Window] = []
        self._silent_until = self._banned_until = 0.0

    def unlimited(self) -> "Budget":
        """Return another that counts in the same windows, from nothing, and lets everything pass."""
        other = Budget(self._now_s)
        other._windows = [Window(each.kind, each.seconds, _ENDLESS) for each in self._windows]
        return other

    def learn(self, limits: Iterable[Mapping[str, Any]]) -> None:
        """Take the `rateLimits` of an exchangeInfo reply."""
        self._windows = [
            Window(each["rateLimitType"], int(each["intervalNum"]) * _SECONDS[each["interval"]], int(each["limit"]))
            for each in limits
        ]

    def send_order(self, request: str, weight: int = 1) -> None:
        """Count an order that is about to be sent, or raise OrderRejected: then it must not be sent."""
        now_s = self._now_s()
        reason = self._full(now_s, weight, orders=1)
        if now_s < self._silent_until:
            reason = f"the venue asked for silence, {self._silent_until - now_s:.0f} s of it are left"
        if reason is not None:
            raise OrderRejected(f"{request} was not sent: {reason}", REJECT_GUARD)
        self._spend(now_s, weight, orders=1)

    async def ask(self, weight: int) -> None:
        """Wait until a question of this weight may go out and count it."""
        while True:
            now_s = self._now_s()
            if now_s >= self._silent_until and self._full(now_s, weight) is None:
                break
            await asyncio.sleep(_POLL_SECONDS)
        self._spend(now_s, weight)

    async def cancel(self, weight: int = 1) -> None:
        """Count a cancel; it waits for nothing but the end of a ban, during which nothing reaches the venue."""
        while True:
            now_s = self._now_s()
            if now_s >= self._banned_until:
                break
            await asyncio.sleep(_POLL_SECONDS)
        self._spend(now_s, weight)

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """Take a reply's status and headers, whatever the reply is."""
        now_s = self._now_s()
        for name, value in headers.items():
            found = _COUNTED.fullmatch(name)
            if found is not None:
                what, number, letter = found.groups()
                self._hear(now_s, _KINDS[what.lower()], int(number) * _LETTERS[letter.upper()], int(value))
        if status in (TOO_MANY, BANNED):
            wait_s = float(next((value for name, value in headers.items() if name.lower() == "retry-after"), 0))
            self._silent_until = max(self._silent_until, now_s + (wait_s or _SILENCE_SECONDS))
            self._banned_until = self._silent_until if status == BANNED else self._banned_until
            log.error("the venue refuses requests", status=status, silent_s=round(self._silent_until - now_s, 1))

    def _hear(self, now_s: float, kind: str, seconds: int, used: int) -> None:
        for window in self._windows:
            if (window.kind, window.seconds) == (kind, seconds):
                window.hear(now_s, used)

    def _full(self, now_s: float, weight: int, orders: int = 0) -> str | None:
        """Return which limit leaves no room for a request, None when each does."""
        for window in self._windows:
            amount, share = _amount(window.kind, weight, orders)
            used = window.used(now_s)
            if amount and used + amount > window.limit * share:
                return f"{used} of {window} are used"
        return None

    def _spend(self, now_s: float, weight: int, orders: int = 0) -> None:
        for window in self._windows:
            amount, _ = _amount(window.kind, weight, orders)
            if amount:
                window.spend(now_s, amount)


def _amount(kind: str, weight: int, orders: int) -> tuple[int, float]:
    """Return what a request uses of a limit, and which share of it all but cancels may use."""
    if kind == "ORDERS":
        return orders, 1.0
    return (weight if kind == "REQUEST_WEIGHT" else 1), 1.0 - CANCEL_SHARE
