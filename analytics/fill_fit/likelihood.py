"""How likely the fills that orders had are, under a queue model.

What stands ahead of an order is hidden; a step moves it. A trade at the price takes it from the front. A fall of the
display is ahead of us by the queue model's share: all at once with `clumping`, as one order that cancels, and in its
proportion otherwise, as many small ones. Seen is, at every trade, whether it reached us. So an order is a hidden Markov
chain, and its likelihood the product of the chances that the forward filter gives each trade (L. Rabiner, "A tutorial
on hidden Markov models", 1989, section III.A). With `clumping` 0 the chain is the replay's own queue.

Trades and displays come over two streams whose order is not certain: one observation in a hundred may be anything, and
what is ahead is known to a hundredth of what it was.
"""

import math
from typing import Any, Final

import numpy as np

from analytics.fill_fit.queues import FALL, FILLED, RISE, Queues
from strategy.kernel.jit import jit, jit_entry
from strategy.kernel.state import Records
from strategy.replay.queue_models import QUEUE_MODELS, RISK_AVERSE, share_behind

CELLS: Final = 65  # what is ahead, from nothing to all that was there at first, in so many places
MISTAKEN: Final = 0.01  # of the observations
BLUR: Final = 0.01  # of what was ahead at first

MODEL: Final = np.dtype([("queue_model", "i8"), ("queue_exponent", "f8")])


def log_likelihood(queues: Queues, queue_model: str, exponent: float = 1.0, clumping: float = 0.0) -> float:
    """Return the log-likelihood of all orders; `exponent` is of `power`, `clumping` from 0 to 1."""
    model: Records = np.zeros(1, MODEL)
    model["queue_model"], model["queue_exponent"] = QUEUE_MODELS.index(queue_model), exponent
    return float(_walk(queues, model, clumping))


@jit_entry
def _walk(queues: Any, model: Any, clumping: float) -> float:
    """Sum the log-likelihoods of all orders."""
    mass, moved, found = np.zeros(CELLS), np.zeros(CELLS), 0.0
    for i in range(len(queues.ahead_lots)):
        size, total = queues.ahead_lots[i] / (CELLS - 1), queues.ahead_lots[i]
        mass[:] = 0.0
        mass[CELLS - 1] = 1.0
        for step in range(queues.start[i], queues.start[i + 1]):
            kind, lots = queues.kind[step], queues.lots[step]
            if kind == RISE:
                total += lots
            elif kind == FALL:
                lots = min(lots, total)
                cancel(model[0], mass, moved, size, total, lots, clumping)
                total -= lots
            else:
                found += math.log(see(mass, size, kind, lots, queues.own_lots[step], queues.spare_lots[step]))
                pass_by(mass, moved, size, lots)
                total = max(total - lots, 0.0)
    return found


@jit
def cancel(model: Any, mass: Any, moved: Any, size: float, total: float, lots: float, clumping: float) -> None:
    """Let `lots` of `total` displayed leave: ahead of us or behind, as the model shares them."""
    moved[:] = 0.0
    for i in range(CELLS):
        if mass[i] > 0.0:
            ahead = i * size
            behind = max(total - ahead, 0.0)
            forced, most = max(lots - behind, 0.0), min(lots, ahead)
            share = share_ahead(model, ahead, behind)
            put(moved, size, ahead - min(max(lots * share, forced), most), mass[i] * (1.0 - clumping))
            put(moved, size, ahead - most, mass[i] * clumping * share)
            put(moved, size, ahead - min(forced, most), mass[i] * clumping * (1.0 - share))
    mass[:] = moved


@jit
def share_ahead(model: Any, ahead: float, behind: float) -> float:
    """Return which share of cancels a queue model takes to be ahead of us; risk_averse none."""
    if model["queue_model"] == RISK_AVERSE:
        return 0.0
    return 1.0 - share_behind(model, ahead, behind)


@jit
def put(mass: Any, size: float, ahead: float, weight: float) -> None:
    """Add probability at a place between two cells, so that its mean stays."""
    place = min(max(ahead / size, 0.0), CELLS - 1.0)
    low = int(place)
    mass[low] += weight * (1.0 - (place - low))
    if low + 1 < CELLS:
        mass[low + 1] += weight * (place - low)


@jit
def see(mass: Any, size: float, kind: int, lots: float, own_lots: float, spare_lots: float) -> float:
    """Weigh what may be ahead by whether a trade reached us, and return how likely that was."""
    blur, whole = BLUR * size * (CELLS - 1), 0.0
    for i in range(CELLS):
        excess = lots - own_lots - i * size
        if kind != FILLED:
            seen = 1.0 - chance_below(excess, blur)
        else:
            seen = chance_below(excess, blur)
            if spare_lots > 0.0:
                seen *= chance_below(-excess, blur)
        mass[i] *= (1.0 - MISTAKEN) * seen + MISTAKEN * 0.5
        whole += mass[i]
    mass /= whole
    return whole


@jit
def chance_below(excess: float, blur: float) -> float:
    """Return how likely it is that `excess`, known to within `blur` either way, is over 0."""
    return min(max(0.5 + 0.5 * excess / blur, 0.0), 1.0)


@jit
def pass_by(mass: Any, moved: Any, size: float, lots: float) -> None:
    """Let a trade take what it can from the front."""
    moved[:] = 0.0
    for i in range(CELLS):
        if mass[i] > 0.0:
            put(moved, size, i * size - lots, mass[i])
    mass[:] = moved
