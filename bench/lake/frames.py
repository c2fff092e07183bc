"""A tape as the lines that a collector of Binance spot would have written: `<local_ns> <json>`."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from strategy.kernel.records import BUY, SELL
from strategy.replay.tape import Tape, TapeInfo
from strategy.venues.units import Units

SNAPSHOT_ID: Final = 1_000_000  # of the book that the first update shows
_STRINGS: Final = 1 << 18  # prices and sizes repeat


class Spelling:
    """Ticks and lots of one symbol as the venue spells them, with every decimal place of their step."""

    def __init__(self, info: TapeInfo) -> None:
        """Take the steps of a tape."""
        units = Units(info.tick_size, info.lot_size)
        self.price = lru_cache(_STRINGS)(lambda ticks: _padded(units.price(ticks), info.tick_size))
        self.qty = lru_cache(_STRINGS)(lambda lots: _padded(units.qty(lots), info.lot_size))
        self.market = info.symbol.replace("/", "")

    def levels(self, ticks: list[int], lots: list[int]) -> str:
        """Return levels as JSON."""
        price, qty = self.price, self.qty
        return ",".join([f'["{price(tick)}","{qty(lot)}"]' for tick, lot in zip(ticks, lots, strict=True)])


def _padded(text: str, step: str) -> str:
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(len(step.partition('.')[2]), '0')}"


def lines(tape: Tape, info: TapeInfo) -> Iterator[bytes]:
    """Yield a tape's updates and trades by receive time; its first update is the REST snapshot, the others diffs.

    The venue's stamps are in ms, as Binance sends them; the tape has one fresh update and no gaps.
    """
    if int(tape.fresh.sum()) != 1 or len(tape.gap_exch):
        raise ValueError("the tape must have one fresh update, its first, and no gaps")
    spelling = Spelling(info)
    before = np.searchsorted(tape.trade_local, tape.update_local, "left").tolist()
    done = 0
    for update, trades in enumerate(before):
        yield from _trades(tape, spelling, done, trades)
        done = trades
        yield _book(tape, spelling, update)
    yield from _trades(tape, spelling, done, len(tape.trade_local))


def _book(tape: Tape, spelling: Spelling, update: int) -> bytes:
    rows = slice(int(tape.level_start[update]), int(tape.level_start[update + 1]))
    side = tape.level_side[rows]
    bids, asks = (_levels(tape, spelling, rows, side == which) for which in (BUY, SELL))
    local, ms, number = int(tape.update_local[update]), int(tape.update_exch[update]) // 10**6, SNAPSHOT_ID + update
    if update == 0:
        return f'{local} {{"lastUpdateId":{number},"bids":[{bids}],"asks":[{asks}]}}\n'.encode()
    name = spelling.market
    data = f'"e":"depthUpdate","E":{ms},"s":"{name}","U":{number},"u":{number},"b":[{bids}],"a":[{asks}]'
    return f'{local} {{"stream":"{name.lower()}@depth@100ms","data":{{{data}}}}}\n'.encode()


def _levels(tape: Tape, spelling: Spelling, rows: slice, chosen: NDArray[np.bool_]) -> str:
    return spelling.levels(tape.level_ticks[rows][chosen].tolist(), tape.level_lots[rows][chosen].tolist())


def _trades(tape: Tape, spelling: Spelling, first: int, end: int) -> Iterator[bytes]:
    name = spelling.market
    for trade in range(first, end):
        ms, sold = int(tape.trade_exch[trade]) // 10**6, "true" if tape.trade_side[trade] == SELL else "false"
        price, qty = spelling.price(int(tape.trade_ticks[trade])), spelling.qty(int(tape.trade_lots[trade]))
        data = (
            f'"e":"trade","E":{ms},"s":"{name}","t":{trade + 1},"p":"{price}","q":"{qty}","T":{ms},"m":{sold},"M":true'
        )
        yield f'{int(tape.trade_local[trade])} {{"stream":"{name.lower()}@trade","data":{{{data}}}}}\n'.encode()
