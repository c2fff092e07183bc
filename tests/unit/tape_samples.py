"""Hand-made tapes: one ladder, then whatever a test says happens, with exchange times in milliseconds."""

import numpy as np

from strategy.kernel.records import BUY, SELL
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.synthetic import synthetic_info
from strategy.replay.tape import Tape
from tests.unit.kernel_samples import MS, START, parameter_set

MID = 6_000_000
QUOTED_BID = 5_995_200  # 8 bps under MID
QUOTED_ASK = 6_004_800
FEED_MS = 5
LADDER = ((1, 10), (10, 40), (110, 5_000))


class TapeMaker:
    """Collects updates, trades and gaps; best prices follow from the book."""

    def __init__(self) -> None:
        """Start with an empty book."""
        self._book: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
        self._updates: list[tuple[int, int, int, int, int, int]] = []
        self._levels: list[list[tuple[int, int, int]]] = []
        self._trades: list[tuple[int, int, int, int]] = []
        self._gaps: list[int] = []

    def update(self, ms: int, *levels: tuple[int, int, int], fresh: bool = False) -> "TapeMaker":
        """Add an update of (side, ticks, lots) levels."""
        for side, ticks, lots in levels:
            self._book[side][ticks] = lots
        bids = {t: q for t, q in self._book[BUY].items() if q}
        asks = {t: q for t, q in self._book[SELL].items() if q}
        bid, ask = max(bids, default=0), min(asks, default=0)
        self._updates.append((ms, int(fresh), bid, bids.get(bid, 0), ask, asks.get(ask, 0)))
        self._levels.append(list(levels))
        return self

    def ladder(self, ms: int, queue: int = 50) -> "TapeMaker":
        """Add a fresh book around MID with `queue` lots at both quoted prices."""
        inner = ((BUY, MID - 1, 10), (SELL, MID + 1, 10))
        return self.update(ms, *inner, (BUY, QUOTED_BID, queue), (SELL, QUOTED_ASK, queue), fresh=True)

    def market(self, ms: int, mid: int, fresh: bool = False) -> "TapeMaker":
        """Replace the whole book by 10 lots a tick from `mid`, 40 lots ten ticks away and 5,000 another 100 away."""
        gone = [(side, ticks, 0) for side, levels in self._book.items() for ticks, lots in levels.items() if lots]
        stands = [(side, mid - side * away, lots) for side in (BUY, SELL) for away, lots in LADDER]
        return self.update(ms, *gone, *stands, fresh=fresh)

    def trade(self, ms: int, side: int, ticks: int, lots: int) -> "TapeMaker":
        """Add a trade by an aggressor of `side`."""
        self._trades.append((ms, side, ticks, lots))
        return self

    def gap(self, ms: int) -> "TapeMaker":
        """Lose the book."""
        self._gaps.append(ms)
        return self

    def tape(self) -> Tape:
        """Return the tape; local times are FEED_MS later."""
        u = np.array(self._updates, np.int64).reshape(-1, 6)
        t = np.array(self._trades, np.int64).reshape(-1, 4)
        gap = START + np.array(self._gaps, np.int64) * MS
        rows = np.array([row for levels in self._levels for row in levels], np.int64).reshape(-1, 3)
        update, trade = START + u[:, 0] * MS, START + t[:, 0] * MS
        return Tape(
            update_exch=update,
            update_local=update + FEED_MS * MS,
            fresh=u[:, 1].astype(np.int8),
            bid_ticks=u[:, 2].copy(),
            bid_lots=u[:, 3].copy(),
            ask_ticks=u[:, 4].copy(),
            ask_lots=u[:, 5].copy(),
            level_start=np.cumsum([0, *map(len, self._levels)]),
            level_side=rows[:, 0].astype(np.int8),
            level_ticks=rows[:, 1].copy(),
            level_lots=rows[:, 2].copy(),
            trade_exch=trade,
            trade_local=trade + FEED_MS * MS,
            trade_side=t[:, 1].astype(np.int8),
            trade_ticks=t[:, 2].copy(),
            trade_lots=t[:, 3].copy(),
            gap_exch=gap,
            gap_local=gap + FEED_MS * MS,
        )


def run(maker: TapeMaker, parameters=None, **config):
    """Replay a hand-made tape with one level a side, 10 ms each way and no fees unless told otherwise."""
    tape = maker.tape()
    parameters = parameters or parameter_set(quoting={"buy_spreads": [1], "sell_spreads": [1]})
    settings = {"base": 0.01, "quote": 1_000.0, "record_decisions": True, "record_events": True} | config
    return replay(tape, synthetic_info(tape), parameters, ReplayConfig(**settings))
