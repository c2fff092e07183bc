"""Our executions, each counted once by its trade id, whether stream, reply or myTrades tells of it first."""

import time
from collections.abc import Callable
from typing import Final

from strategy.venues.ports import Orderer, OwnFill

_KEPT: Final = 2_000


class Executions:
    """What has been told of executions, and by whom; `fetch` asks myTrades for the rest."""

    def __init__(self, broker: Orderer, last_trade_id: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin after a trade id: what is older belongs to another session. `clock` counts seconds."""
        self._broker, self._floor, self._clock = broker, last_trade_id, clock
        self.asked_id = last_trade_id  # myTrades has told us every execution up to here, if it told all it had
        self._seen: set[int] = set()
        self._listed: set[int] = set()
        self._untold: dict[int, float] = {}  # told by the venue, but not by the stream, since when
        self.count = 0

    def is_new(self, fill: OwnFill) -> bool:
        """Count an execution; False when it has been counted, or is older than the session."""
        if fill.trade_id <= self._floor or fill.trade_id in self._seen:
            return False
        self._seen.add(fill.trade_id)
        self.count += 1
        return True

    def streamed(self, trade_id: int) -> None:
        """Note that the user stream has told of an execution."""
        self._untold.pop(trade_id, None)

    def asked(self, fill: OwnFill) -> None:
        """Note that a reply tells of an execution; the user stream still has to, if it has not yet."""
        if fill.trade_id > self._floor and fill.trade_id not in self._seen:
            self._untold[fill.trade_id] = self._clock()

    def stream_restarted(self) -> None:
        """Expect nothing more of what happened before: a stream tells only what is new."""
        self._untold.clear()

    def kept_from_us(self, longer_than_s: float) -> int | None:
        """Return an execution that the user stream has failed to tell of for so long, None when there is none."""
        late = [trade_id for trade_id, since in self._untold.items() if self._clock() - since > longer_than_s]
        return min(late, default=None)

    def is_newly_listed(self, fill: OwnFill) -> bool:
        """Count an execution of this session that myTrades lists; False when it has listed it before."""
        if fill.trade_id <= self._floor or fill.trade_id in self._listed:
            return False
        self._listed.add(fill.trade_id)
        return True

    async def fetch(self, whole: bool = False) -> list[OwnFill]:
        """Return what myTrades has since the last time, or with `whole` since long ago."""
        self._forget()
        found = await self._broker.fills(self._floor if whole else self.asked_id)
        self.asked_id = max([self.asked_id, *(fill.trade_id for fill in found)])
        return found

    def _forget(self) -> None:
        """Let old ids go of which myTrades has told too; whatever is told of them again is old."""
        if len(self._seen) <= _KEPT:
            return
        self._floor = max(self._floor, min(sorted(self._seen)[-_KEPT // 2], self.asked_id))
        self._seen = {trade_id for trade_id in self._seen if trade_id > self._floor}
        self._listed = {trade_id for trade_id in self._listed if trade_id > self._floor}
