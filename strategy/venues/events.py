"""What a venue says, typed: the parser's output, the same for live, ingest and imports.

Prices and quantities are the venue's own decimal strings; `strategy.venues.units` turns them into ticks and lots.
`local_ts` is ns on our clock; `exch_ts` is ns on the venue's, 0 where the message carries none.
"""

from dataclasses import dataclass
from typing import TypeAlias

Level: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class DepthDiff:
    """One depth message: the new size of each level it names, 0 = gone. `prev_id` is futures' `pu`, -1 on spot."""

    symbol: str
    exch_ts: int
    local_ts: int
    first_id: int
    final_id: int
    prev_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class DepthSnapshot:
    """A whole book over REST. The message itself does not name its symbol on Binance: it is the segment's."""

    local_ts: int
    last_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Trade:
    """One public trade. `side` is the aggressor's: BUY = 1, SELL = -1."""

    symbol: str
    exch_ts: int
    local_ts: int
    trade_id: int
    price: str
    qty: str
    side: int


@dataclass(frozen=True, slots=True)
class BookTicker:
    """Best bid and ask after `update_id`."""

    symbol: str
    local_ts: int
    update_id: int
    bid: str
    bid_qty: str
    ask: str
    ask_qty: str


@dataclass(frozen=True, slots=True)
class InstrumentInfo:
    """The venue's filters of one symbol, as its exchangeInfo states them."""

    symbol: str
    local_ts: int
    tick_size: str
    lot_size: str
    min_qty: str
    min_notional: str


@dataclass(frozen=True, slots=True)
class Epoch:
    """A new connection: nothing that came before it continues on this stream without a check of the ids."""

    local_ts: int
    reason: str


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """The venue's clock minus ours at a moment, as the recorder estimated it; see `strategy.venues.clock`."""

    local_ts: int
    offset_ns: int
    rtt_ns: int
    samples: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Updates are missing: `got_first_id` came where `expected_id` was due."""

    local_ts: int
    expected_id: int
    got_first_id: int
    reason: str


MarketEvent: TypeAlias = DepthDiff | DepthSnapshot | Trade | BookTicker | InstrumentInfo | Epoch | ClockOffset
