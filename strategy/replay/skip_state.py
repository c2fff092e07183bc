"""What the skip driver remembers of one parameter set besides the strategy's and the venue's own memory."""

from typing import Final, NamedTuple

import numpy as np

from strategy.kernel.records import CONTEXT, EVENT, INVENTORY, SIGNAL, SPREAD
from strategy.kernel.state import CORE, ENTRIES, Records
from strategy.replay.index import Extremes
from strategy.replay.tape import I64

# Scratch events: the one that is answered, the one that signals are shown, and one that stays empty.
OWN: Final = 0
SEEN: Final = 1
BLANK: Final = 2

# How far the strategy has come along the tape.
PLACE = np.dtype(
    [
        ("row", "i8"),  # updates before it have reached the strategy
        ("first_row", "i8"),
        ("first_trade", "i8"),
        ("accepted", "i8"),  # the update that the core shows
        ("point", "i8"),  # next of the track's points, ticks, flips
        ("tick", "i8"),
        ("sample_tick", "i8"),  # ticks that the samples have seen
        ("flip", "i8"),
        ("scanned", "i8"),  # updates before it are known to change nothing
        ("observed_row", "i8"),  # what the signals have seen
        ("observed_trade", "i8"),
        ("moment_ns", "i8"),  # the last moment served, and the latest source of it in the order of equal times
        ("source", "i8"),
        ("caught_ns", "i8"),  # the last moment up to which the strategy has seen everything
        ("own", "i8"),  # timers and answers of the venue so far
        ("last_ns", "i8"),  # ... and the last of them
        ("gaps", "i8"),
        ("tainted", "i8"),  # orders before this one were sent before the last fill was known
        ("decided", "i1"),  # the last decision, which stands as long as nothing else is known
        ("decided_ns", "i8"),
        ("decided_row", "i8"),
        ("decided_trade", "i8"),
        ("reasons", "i8"),
        ("unsettled", "i1"),  # what was done last may be news at the next event
        ("renews", "i1"),  # quotes are renewed in one go (strategy.replay.skip_renew), which takes renewal_ns
        ("renewal_ns", "i8"),
        ("entry_ns", "i8"),  # how long a message to the venue takes then
        ("renewed", "i8"),  # how often
        ("trades", "i1"),  # a renewal has to know the last trade
    ],
    align=True,
)

# What has to stay as it is for an update to change nothing (strategy.replay.skip_quiet).
WATCH = np.dtype(
    [
        ("set", "i1"),
        ("walk", "i1"),  # every update may change something
        ("warm", "i1"),  # sigma is known
        ("sigma_low", "f8"),  # sigma stays in [low, high)
        ("sigma_high", "f8"),
        ("mid_low", "f8"),  # mid, in ticks, stays within (low, high)
        ("mid_high", "f8"),
        ("stop_row", "i8"),  # this update changes something
        ("trailing", "i1"),
        ("drawdown", "i1"),
        ("thin", "i1"),  # depth within the band is watched
        ("prices", "i1"),  # wanted prices are watched
        ("sides", "i1"),  # ... and the sides that are enabled
    ],
    align=True,
)


WANT = np.dtype([("price_ticks", "i8"), ("lots", "i8")])  # what takes the place of a quote

# The least and the greatest of what would be decided over a range of the market.
BOX = np.dtype(
    [
        (f"{name}_{end}", "f8")
        for name in ("reference", "bid", "ask", "bid_size", "ask_size", "vol")
        for end in ("low", "high")
    ],
    align=True,
)


class Flips(NamedTuple):
    """When panic begins and ends in turn, by the market alone: samples of sigma, by row or by time of a tick."""

    rows: I64  # accepted updates; empty with a sampling clock
    ns: I64


class Skip(NamedTuple):
    """One set's place on the tape and its scratch."""

    place: Records  # (1,) PLACE
    watch: Records  # (1,) WATCH
    flips: Flips
    thin: Extremes  # depth on the thinner side as the strategy sees it; empty when nobody asks
    event: Records  # (3,) EVENT: OWN, SEEN, BLANK
    box: Records  # (1,) BOX
    wants: Records  # (ENTRIES,) WANT
    core: Records  # (1,) CORE: what would be decided elsewhere
    context: Records
    signal: Records
    spread: Records
    inventory: Records


def new_skip(first_row: int, first_trade: int, flips: Flips, thin: Extremes) -> Skip:
    """Return the memory of a set that has seen nothing yet."""
    place = np.zeros(1, PLACE)
    place["row"] = place["first_row"] = place["scanned"] = place["observed_row"] = first_row
    place["first_trade"] = place["observed_trade"] = first_trade
    place["accepted"] = -1
    return Skip(
        place=place,
        watch=np.zeros(1, WATCH),
        flips=flips,
        thin=thin,
        event=np.zeros(3, EVENT),
        box=np.zeros(1, BOX),
        wants=np.zeros(ENTRIES, WANT),
        core=np.zeros(1, CORE),
        context=np.zeros(1, CONTEXT),
        signal=np.zeros(1, SIGNAL),
        spread=np.zeros(1, SPREAD),
        inventory=np.zeros(1, INVENTORY),
    )
