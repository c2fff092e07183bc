"""One price with a real queue, recorded as a venue does: who cancels is drawn by the power model: a known truth."""

import numpy as np

from analytics.fill_fit.own_orders import OwnOrder
from strategy.kernel.records import BUY, SELL
from strategy.replay.tape import Tape, empty_tape

PRICE = 10_000
STEP_NS = 100_000_000
LIFE = 120  # steps after which an order of ours is cancelled
OWN_LOTS = 20
DEPTH_LOTS = 800
FIRST_NS = 1_700_000_000_000_000_000


class Queue:
    """Lots that rest at one price, from the front; 0 marks our own order's place."""

    def __init__(self, draws: np.random.Generator, exponent: float) -> None:
        self.draws, self.exponent = draws, exponent
        self.lots: list[int] = []
        self.own = 0
        self.refill()

    def refill(self) -> None:
        self.lots.clear()
        while sum(self.lots) < DEPTH_LOTS:
            self.join()

    def join(self) -> None:
        self.lots.append(int(self.draws.integers(20, 160)))

    def place(self) -> int:
        return self.lots.index(0) if 0 in self.lots else len(self.lots)

    def enter(self) -> None:
        self.lots.append(0)
        self.own = OWN_LOTS

    def leave(self) -> None:
        self.lots.remove(0)
        self.own = 0

    def cancel(self) -> None:
        """Let one order leave: of those ahead of us with the chance that the power model says, by their lots."""
        place = self.place()
        parts = [list(range(place)), list(range(place + 1, len(self.lots)))]
        ahead, behind = (float(sum(self.lots[i] for i in part)) for part in parts)
        if ahead + behind == 0:
            return
        share = ahead**self.exponent / (ahead**self.exponent + behind**self.exponent)
        part = parts[0] if self.draws.random() < share else parts[1]
        del self.lots[int(self.draws.choice(part))]

    def trade(self, lots: int) -> list[tuple[int, bool]]:
        """Take lots from the front; return (lots, ours) of each print."""
        prints = []
        while lots > 0 and self.lots:
            ours = self.lots[0] == 0
            taken = min(lots, self.own if ours else self.lots[0])
            prints.append((taken, ours))
            lots -= taken
            if ours:
                self.own -= taken
            else:
                self.lots[0] -= taken
            if (self.own if ours else self.lots[0]) == 0:
                del self.lots[0]
        return prints

    @property
    def shown(self) -> int:
        return sum(self.lots) + self.own


def queue_market(seed: int, exponent: float, orders: int, cancels: float = 0.15) -> tuple[Tape, list[OwnOrder]]:
    """Return a tape of one bid, and orders of ours that stood there one after another.

    `cancels` is how many others leave in a step, on average: so few that the display seldom hides one behind a newcomer
    of the same step. As many join, trades of some 40 lots come in one step of
    three.
    """
    draws = np.random.default_rng(seed)
    queue, rows, trades, own = Queue(draws, exponent), [], [], []
    step = 0
    while len(own) < orders:
        joined, fills = None, []
        queue.refill()
        for age in range(LIFE + 10):
            begin = FIRST_NS + step * STEP_NS
            moments = np.sort(draws.integers(1, STEP_NS - 1, 8)) + begin
            if age == 5:
                joined = int(moments[0])
                queue.enter()
            if age == LIFE and queue.own:
                queue.leave()
                own.append(_order(joined, int(moments[0]), fills))
                joined = None
            for moment in moments[1:]:
                if draws.random() < cancels / 7:
                    queue.cancel()
                if draws.random() < (cancels + 0.15) / 7:  # what cancels and trades take away
                    queue.join()
                if draws.random() < 0.33 / 7:
                    for lots, ours in queue.trade(int(draws.integers(5, 76))):
                        trades.append((int(moment), lots))
                        if ours:
                            fills.append((int(moment), lots))
            if not queue.lots:
                queue.refill()
            if joined is not None and not queue.own:
                own.append(_order(joined, fills[-1][0], fills))
                joined = None
            rows.append((begin + STEP_NS, queue.shown))
            step += 1
    return _tape(rows, trades), own[:orders]


def _order(joined: int, ended: int, fills: list[tuple[int, int]]) -> OwnOrder:
    ns, lots = np.array(fills, np.int64).reshape(-1, 2).T
    return OwnOrder(BUY, PRICE, OWN_LOTS, joined, ended, ns, lots)


def _tape(rows: list[tuple[int, int]], trades: list[tuple[int, int]]) -> Tape:
    times, shown = np.array(rows, np.int64).T
    trade_ns, trade_lots = np.array(trades, np.int64).T
    count, ones = len(times), np.ones(len(trades), np.int8)
    fresh = np.zeros(count, np.int8)
    fresh[0] = 1
    return empty_tape(
        update_exch=times,
        update_local=times,
        fresh=fresh,
        bid_ticks=np.full(count, PRICE),
        bid_lots=shown,
        ask_ticks=np.full(count, PRICE + 100),
        ask_lots=np.ones(count, np.int64),
        level_start=np.arange(count + 1),
        level_side=np.full(count, BUY, np.int8),
        level_ticks=np.full(count, PRICE),
        level_lots=shown,
        trade_exch=trade_ns,
        trade_local=trade_ns,
        trade_side=SELL * ones,
        trade_ticks=np.full(len(trades), PRICE),
        trade_lots=trade_lots,
    )
