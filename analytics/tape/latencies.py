"""Round trips that live sessions recorded: how long requests took to the venue, and how long answers took back.

What our clock measures is the whole: from sent to heard. Where it divides is the venue's stamp, brought onto our clock
by the offset of that day's market data, as in a tape: so both halves are on the tape's axis. A replay that takes them
meets the venue's book when the live session did.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.lake.store import Lake
from analytics.tape.line import Days
from strategy.errors import Failed
from strategy.replay.latency import Latencies, drawn

I64 = NDArray[np.int64]

ASTRAY_NS: Final = 1_000_000_000  # a venue's time so far outside of sent to heard is a step of a clock
_MIGRATION: Final = 27  # order_event has had the venue's time since
QUANTILES: Final = {"p50": 0.5, "p99": 0.99}
# What became of the requests that gave no pair; `no_offset`: a day without market data, so without a known offset.
LEFT_OUT: Final = ("pending", "unknown", "rejected", "untimed", "no_offset", "astray")


@dataclass(frozen=True)
class RoundTrips:
    """Pairs of latencies in ns, int64 (n,) each, in the order of sending; none is under 0.

    `moved` of them had a half under 0 once the clocks were brought together: their stamp was moved to the nearer end,
    which leaves the round trip as it was measured. `moved_ns` is the farthest move. `left_out` counts by reason the
    requests that gave no pair. `stamped_ns` are the ways there as the stamps say, moved or not; `stamp_ns` is
    the resolution of the stamps.
    """

    venue: str
    symbol: str
    days: Days
    entry_ns: I64
    response_ns: I64
    moved: int
    moved_ns: int
    left_out: dict[str, int]
    stamped_ns: I64
    stamp_ns: int

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.entry_ns)

    @property
    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield (entry, response) as `strategy.replay.latency.drawn` takes them."""
        return zip(self.entry_ns.tolist(), self.response_ns.tolist(), strict=True)

    def drawn(self, seed: int) -> Latencies:
        """Draw a replay's latencies of them; the same seed gives the same."""
        return drawn(self.pairs, seed)

    @cached_property
    def figures(self) -> dict[str, float]:
        """Return medians and 99th percentiles in ms, and what they were made of."""
        lines = {"entry_latency": self.entry_ns, "response_latency": self.response_ns}
        lines["round_trip"] = self.entry_ns + self.response_ns
        found = {
            f"{line}_ms_{name}": float(np.quantile(values, q)) / 1e6
            for line, values in lines.items()
            for name, q in QUANTILES.items()
        }
        return found | {"round_trips": float(len(self)), "round_trips_moved": float(self.moved)}

    def told(self) -> str:
        """Return in one line what they are of, and what was left out or moved."""
        said = [f"{len(self)} round trips of {self.venue} {self.symbol} on {self.days}"]
        if any(self.left_out.values()):
            reasons = ", ".join(f"{count} {name}" for name, count in self.left_out.items() if count)
            said.append(f"left out {reasons}")
        if self.moved:
            said.append(f"{self.moved} had a half under 0, by up to {self.moved_ns / 1e6:.3f} ms, which is now 0")
        return "; ".join(said)


def round_trips(lake: Lake, venue: str, symbol: str, days: Days) -> RoundTrips:
    """Read the round trips of some days; Failed when there is none, naming the days that have some."""
    if _MIGRATION not in lake.query("queries/schema_migrations")["number"]:
        raise Failed("the lake is of a build that kept no venue time of orders: microvol ingest brings it up to date")
    place = {"venue": venue, "symbol": symbol}
    within = {"first_day": days.first, "last_day": days.last}
    requests = lake.query("queries/round_trips", **place, **within)
    offsets = lake.query("queries/clock_offsets", **place, **within).select("day", "offset_ns")
    found = _paired(requests.join(offsets, on="day", how="left", maintain_order="left"))
    pairs = found.filter(pl.col("outcome") == "answered")
    if pairs.is_empty():
        raise Failed(_none(lake, venue, symbol, days, found))
    moved = pairs.filter(pl.col("out_ns") > 0)["out_ns"]
    counts = Counter(found["outcome"].to_list())
    return RoundTrips(
        venue=venue,
        symbol=symbol,
        days=days,
        entry_ns=pairs["entry_ns"].to_numpy().astype(np.int64),
        response_ns=pairs["response_ns"].to_numpy().astype(np.int64),
        moved=len(moved),
        moved_ns=int(moved.to_numpy().max(initial=0)),
        left_out={name: counts[name] for name in LEFT_OUT},
        stamped_ns=pairs["stamped_ns"].to_numpy().astype(np.int64),
        stamp_ns=_resolution(pairs["exch_ns"].to_numpy()),
    )


def _resolution(stamps: I64) -> int:
    """Return the coarsest of ms, us and ns of which all stamps are whole numbers."""
    return next(unit for unit in (1_000_000, 1_000, 1) if not (stamps % unit).any())


def _paired(requests: pl.DataFrame) -> pl.DataFrame:
    """Add entry_ns, response_ns, stamped_ns and out_ns, how far the venue's time lay outside of the round trip.

    The sum of both halves is our clock's own measure and never changed.
    """
    whole = pl.col("heard_ns") - pl.col("sent_ns")
    entry = pl.col("exch_ns") - (pl.col("sent_ns") - pl.col("offset_ns"))
    halved = requests.with_columns(
        pl.max_horizontal(-entry, entry - whole).alias("out_ns"),
        entry.alias("stamped_ns"),
        entry.clip(pl.lit(0), whole).alias("entry_ns"),
    ).with_columns((whole - pl.col("entry_ns")).alias("response_ns"))
    answered = pl.col("outcome") == "answered"
    return halved.with_columns(
        pl.when(answered & pl.col("offset_ns").is_null())
        .then(pl.lit("no_offset"))
        .when(answered & (pl.col("out_ns") > ASTRAY_NS))
        .then(pl.lit("astray"))
        .otherwise(pl.col("outcome"))
        .alias("outcome")
    )


def _none(lake: Lake, venue: str, symbol: str, days: Days, found: pl.DataFrame) -> str:
    """Return why there are none, and where there are some."""
    said = f"the lake holds no round trips of {symbol} on {venue} for {days}"
    if len(found):
        counts = Counter(found["outcome"].to_list())
        return f"{said}: of {len(found)} requests " + ", ".join(f"{counts[name]} {name}" for name in sorted(counts))
    held = lake.query("queries/round_trip_days", venue=venue, symbol=symbol)["day"].to_list()
    others = f"days with some are {', '.join(map(str, held[-5:]))}" if held else "no session quoted there"
    return f"{said}: {others}"
