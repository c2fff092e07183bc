"""The levels of many messages as list columns, a batch at a time."""

from array import array
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from strategy.venues.events import Level
from strategy.venues.units import Units

_SIDES: Final = ("bid", "ask")


class LevelLists:
    """Collect messages' levels; held flat, because a list a message takes more time and room than what is in it."""

    def __init__(self, units: Units) -> None:
        """Collect in these units."""
        self._units = units
        self._ends = {side: array("q", [0]) for side in _SIDES}
        self._ticks = {side: array("q") for side in _SIDES}
        self._lots = {side: array("q") for side in _SIDES}

    def add(self, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        """Take one message's levels; BadData, and nothing is taken, when a value is off the grid."""
        ticks, lots = self._units.ticks, self._units.lots
        counted = [([ticks(price) for price, _ in side], [lots(qty) for _, qty in side]) for side in (bids, asks)]
        for side, (side_ticks, side_lots) in zip(_SIDES, counted, strict=True):
            self._ticks[side].extend(side_ticks)
            self._lots[side].extend(side_lots)
            self._ends[side].append(len(self._ticks[side]))

    def columns(self) -> list[pl.Series]:
        """Return bid_ticks, bid_lots, ask_ticks and ask_lots, a list a message."""
        return [
            pl.Series(f"{side}_{unit}", _lists(self._ends[side], values[side]))
            for side in _SIDES
            for unit, values in (("ticks", self._ticks), ("lots", self._lots))
        ]


def _lists(ends: "array[int]", values: "array[int]") -> pa.LargeListArray:
    # copies: an array that lends its memory cannot grow any more
    return pa.LargeListArray.from_arrays(np.array(ends, np.int64), np.array(values, np.int64))
