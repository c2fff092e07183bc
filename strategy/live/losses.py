"""The hard limits on losses, watched outside the strategy and counted over restarts (strategy.live.guard.Limits)."""

from typing import NamedTuple

from strategy.kernel.records import KILL_NAMES, KILLED_BY_DAY_LOSS, KILLED_BY_DRAWDOWN
from strategy.live.guard import DAY_NS, Limits
from strategy.live.ledger import Ledger


class Loss(NamedTuple):
    """A limit that was exceeded: the kill switch's cause, and by how much."""

    cause: str
    reason: str


class LossWatch:
    """Compare the account's value with the day's first and with its highest; money in quote units."""

    def __init__(self, limits: Limits, ledger: Ledger | None) -> None:
        """Go on from what was counted before a restart, if anything was."""
        self._limits = limits
        self.ledger = ledger

    def look(self, now_ns: int, equity: float, orders_today: int) -> Loss | None:
        """Take the account's value at a time and return the limit that it breaks, None when it breaks none."""
        day, before = now_ns // DAY_NS, self.ledger
        same_day = before is not None and before.day == day
        self.ledger = now = Ledger(
            day=day,
            day_equity=before.day_equity if before is not None and same_day else equity,
            peak_equity=equity if before is None else max(before.peak_equity, equity),
            orders_today=orders_today,
        )
        lost, limit = now.day_equity - equity, self._limits.max_daily_loss
        if lost > limit:
            return Loss(KILL_NAMES[KILLED_BY_DAY_LOSS], f"hard limit: {lost:.2f} lost today, the limit is {limit:g}")
        fallen, limit = now.peak_equity - equity, self._limits.max_drawdown * now.peak_equity
        if self._limits.max_drawdown < 1 and fallen > limit:
            text = f"hard limit: {fallen:.2f} under the highest equity {now.peak_equity:.2f}, the limit is {limit:.2f}"
            return Loss(KILL_NAMES[KILLED_BY_DRAWDOWN], text)
        return None

    def transfer(self, amount: float) -> None:
        """Take what came into the account (negative: went out): it is neither profit nor loss."""
        if self.ledger is not None:
            moved = {"day_equity": self.ledger.day_equity + amount, "peak_equity": self.ledger.peak_equity + amount}
            self.ledger = self.ledger.model_copy(update=moved)

    def begin_anew(self) -> None:
        """Count from the next look on: a person has re-armed the switch."""
        self.ledger = None
