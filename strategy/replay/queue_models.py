"""Where a resting order stands in the queue at its price, of which a recording shows only the total.

An order arrives behind what is displayed. Trades at its price use up the queue from the front. When the display falls
by more than was traded, somebody cancelled, and nobody says whether ahead of us or behind: a model does.

- `risk_averse`: behind us, until the display proves otherwise. Never early.
- `power`, `log`: the share f(behind) / (f(ahead) + f(behind)) of it is behind us, the rest ahead, with f(x) = x^n
  (`queue_exponent`) or log(1 + x): the longer part of the queue loses more. One at the end of the queue waits long, one
  near its front gains little more from cancels.

Sources: E. Rigtorp, "Estimating order queue position" (2013): cancels by place in the queue, f = log(1 + x) among
others; hftbacktest's documentation of its probability queue models: f(back) / (f(back) + f(front)), trades subtracted
first, power functions. What counts as behind here is what was displayed less what was traded and what is ahead.
"""

import math
from typing import Any, Final

from strategy.kernel.jit import jit
from strategy.kernel.quotes import grid_floor

RISK_AVERSE: Final = 0
POWER: Final = 1
LOG: Final = 2
QUEUE_MODELS: Final = ("risk_averse", "power", "log")  # a name's place is its code


@jit
def join(cursor: Any, order: Any, shown: int) -> None:
    """Put an order that has arrived behind the `shown` lots displayed at its price; the same in every model."""
    order["queue_ahead"] = float(shown)
    order["shown"] = shown
    order["traded"] = 0


@jit
def trade_at(cursor: Any, order: Any, lots: int) -> int:
    """Let a trade of `lots` at the order's price use up the queue; return the lots that reach the order.

    A queue of `power` or `log` may end in a fraction of a lot. Only whole lots reach us, by the kernel's grid: what is
    left of a lot then belongs to the queue, which is empty afterwards.
    """
    ahead = float(order["queue_ahead"])
    order["traded"] += lots
    order["queue_ahead"] = max(ahead - float(lots), 0.0)
    return max(grid_floor(float(lots) - ahead), 0)


@jit
def resize(cursor: Any, order: Any, shown: int) -> None:
    """Take the news that `shown` lots are displayed at the order's price.

    risk_averse: ahead' = min(ahead, shown). power, log: with `was` displayed before, d = was - traded - shown is what
    trades do not explain, b = max(was - traded - ahead, 0) is behind us. Where d > 0,
    ahead' = ahead - (d - min(d * share_behind, b)), as no more than b can go from behind. Always 0 <= ahead' <= shown.
    """
    ahead = float(order["queue_ahead"])
    if cursor["queue_model"] != RISK_AVERSE:
        stood = float(order["shown"] - order["traded"])
        gone = stood - float(shown)
        if gone > 0.0:
            behind = max(stood - ahead, 0.0)
            ahead -= gone - min(gone * share_behind(cursor, ahead, behind), behind)
    order["queue_ahead"] = max(min(ahead, float(shown)), 0.0)
    order["shown"] = shown
    order["traded"] = 0


@jit
def share_behind(cursor: Any, ahead: float, behind: float) -> float:
    """Return f(behind) / (f(ahead) + f(behind)), the share of cancels taken to be behind us; 0 with nobody there."""
    if behind <= 0.0:
        return 0.0
    if cursor["queue_model"] == LOG:
        return math.log1p(behind) / (math.log1p(ahead) + math.log1p(behind))
    if ahead <= behind:
        return 1.0 / (1.0 + math.pow(ahead / behind, float(cursor["queue_exponent"])))
    smaller = math.pow(behind / ahead, float(cursor["queue_exponent"]))  # of a base over 1 it could overflow
    return smaller / (1.0 + smaller)
