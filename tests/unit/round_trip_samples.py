"""Hand-made order steps and market stamps of a lake, on two clocks of which ours is ahead."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import polars as pl

from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake
from strategy.live.layout import Layout

VENUE, SYMBOL = "paper", "BTC/USDT"
START_NS = 1_700_000_000 * 10**9  # 2023-11-14 22:13:20 UTC
DAY, NEXT_DAY = date(2023, 11, 14), date(2023, 11, 15)
AHEAD_NS = 1_300_000_000  # our clock against the venue's, the quickest news included
US = 1_000


def market(lake: Lake, start_ns: int = START_NS, late_us: Iterable[int] = (0, 900, 40)) -> None:
    """Add trades that were received so many us after the quickest possible; stamps are the venue's."""
    rows = [
        {"exch_ts": start_ns + i * 10**9, "local_ts": start_ns + i * 10**9 + AHEAD_NS + late * US, "trade_id": i}
        for i, late in enumerate(late_us)
    ]
    frame = pl.DataFrame(rows).with_columns(
        pl.lit(VENUE).alias("venue"),
        pl.lit(SYMBOL).alias("symbol"),
        pl.lit(1).alias("side"),
        pl.lit(100).alias("price_ticks"),
        pl.lit(1).alias("qty_lots"),
        pl.from_epoch("local_ts", "ns").dt.date().alias("day"),
    )
    lake.merge("staging/add_trade", frame, venue=VENUE, symbol=SYMBOL, low=0, high=2**62)


class Steps:
    """The journal of one session, step by step; times in us after its start, each on its own clock."""

    def __init__(self, start_ns: int = START_NS, ahead_ns: int = AHEAD_NS) -> None:
        """Begin at a moment of the venue's clock; ours is ahead of it."""
        self._start_ns, self._ahead_ns = start_ns, ahead_ns
        self._lines: list[tuple[int, dict[str, object]]] = []

    def add(self, at_us: int, what: str, order_id: int, venue_us: int | None = None, maker: bool = True) -> "Steps":
        """Add a step; without `venue_us` the venue's time of it was not told."""
        told = 0 if venue_us is None else self._start_ns + venue_us * US
        body = {"t": "order", "client_id": f"c{order_id}", "order_id": order_id, "version": 1, "side": 1, "level": 0}
        body |= {"purpose": "entry", "maker": maker, "price_ticks": 100, "qty_lots": 1, "what": what, "detail": ""}
        self._lines.append((self._start_ns + self._ahead_ns + at_us * US, body | {"exch_ts": told}))
        return self

    def answered(self, at_us: int, order_id: int, entry_us: int, response_us: int) -> "Steps":
        """Add an order and its acknowledgement."""
        there = at_us + entry_us
        return self.add(at_us, "place", order_id).add(there + response_us, "ack", order_id, there)

    def take_in(self, lake: Lake, home: Path, session: str = "s1", older: bool = False) -> None:
        """Ingest the session; an `older` one is of a build that kept no venue time."""
        path = Layout(home).journal(VENUE, SYMBOL) / f"{session}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        bodies = [{k: v for k, v in body.items() if not (older and k == "exch_ts")} for _, body in self._lines]
        stamps = [ns for ns, _ in self._lines]
        path.write_bytes(b"".join(b"%d %b\n" % (ns, orjson.dumps(b)) for ns, b in zip(stamps, bodies, strict=True)))
        assert ingest(lake, Layout(home)).problems == []


def midnight(day: date) -> int:
    """Return the ns at which a UTC day begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9
