"""The hard limits that no single order breaks: losses, a wild market, a thin book. Looked at several times a second."""

from pathlib import Path
from typing import Final

from strategy.live.guard import Limits
from strategy.live.layout import GUARD_FILE
from strategy.live.ledger import Ledger, read_ledger, write_ledger
from strategy.live.losses import Loss, LossWatch
from strategy.live.session import Session
from strategy.policies.document import Instrument
from strategy.policies.packing import atom_size

HOLD: Final = "hard limit"


class HardLimits:
    """Hold a session back while the market is beyond a limit; say when a loss is."""

    def __init__(self, limits: Limits, instrument: Instrument, folder: Path) -> None:
        """Go on from what lies in the live folder; a file that cannot be read is a failure, it may have held a loss."""
        self._limits, self._folder = limits, folder
        self._atom, self._lot = float(atom_size(instrument)), float(instrument.lot_size)
        self.losses = LossWatch(limits, read_ledger(folder, GUARD_FILE))
        self._written: Ledger | None = None

    @property
    def orders_before(self) -> tuple[int, int]:
        """Return the day of which orders were counted before a restart (since the epoch), and how many."""
        ledger = self.losses.ledger
        return (0, 0) if ledger is None else (ledger.day, ledger.orders_today)

    def look(self, session: Session) -> Loss | None:
        """Hold the session, or release it; return the limit on losses that is exceeded, if one is."""
        view = session.view()
        if view["mid_ticks"] is None:
            return None
        trouble = self._sigma(view["sigma"]) or self._depth(session)
        if trouble is None:
            session.release(HOLD)
        else:
            session.hold(HOLD, trouble)
        balance = session.account.books.balance()
        equity = (balance.base_lots * view["mid_ticks"] + balance.quote_atoms) * self._atom
        loss = self.losses.look(session.now_ns(), equity, session.account.guard.orders_today)
        return None if session.kill else loss

    def transfer(self, base_lots: float, quote_atoms: float, mid_ticks: float) -> None:
        """Take what came into the account (negative: went out) at a mid."""
        self.losses.transfer((base_lots * mid_ticks + quote_atoms) * self._atom)

    def keep(self) -> None:
        """Write down what is counted, should it be another."""
        if self.losses.ledger is not None and self.losses.ledger != self._written:
            write_ledger(self._folder, self.losses.ledger, GUARD_FILE)
            self._written = self.losses.ledger

    def _sigma(self, sigma: float | None) -> str | None:
        if not 0 < self._limits.max_sigma < (sigma or 0):
            return None
        return f"sigma was {sigma:g}, the limit is {self._limits.max_sigma:g}"

    def _depth(self, session: Session) -> str | None:
        if not self._limits.min_depth_base:
            return None
        depth = min(session.depth(self._limits.depth_band_bps)) * self._lot
        if depth >= self._limits.min_depth_base:
            return None
        band = f"within {self._limits.depth_band_bps:g} bps"
        return f"depth {band} was {depth:g} on a side, the limit is {self._limits.min_depth_base:g}"
