"""A script in place of the strategy, before the replay's venue; and the venue once more in plain Python."""

import math
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from strategy.kernel.records import ACK, ACTION, BUY, CANCEL, FILL, PLACE, REJECT
from strategy.kernel.records import CANCELLED as GONE
from strategy.replay.exchange import new_logs, new_venue
from strategy.replay.latency import constant
from strategy.replay.loop import (
    LOCAL_GAP,
    LOCAL_TRADE,
    LOCAL_UPDATE,
    NEVER,
    REQUEST,
    RESPONSE,
    look_ahead,
    send,
    serve_venue,
)
from strategy.replay.queue_models import QUEUE_MODELS
from strategy.replay.tape import prepared
from tests.unit.kernel_samples import MS, START

CORE = np.dtype([("next_wake_ns", "i8"), ("version", "i8"), ("mid_ticks", "f8"), ("regime", "i1")], align=True)


class Core(NamedTuple):
    """What the venue's side of the loop reads of a strategy's state."""

    core: np.ndarray


def place(order_id, side, ticks, lots=100):
    """Return the action that places an order."""
    return {"kind": PLACE, "order_id": order_id, "side": side, "price_ticks": ticks, "qty_lots": lots}


def cancel(order_id):
    """Return the action that cancels an order."""
    return {"kind": CANCEL, "order_id": order_id}


def news_of(maker, script, latencies=None, model="risk_averse", exponent=3.0):
    """Send a script of (ms, action) to the replay's venue; return what comes back.

    (kind, order_id, price, lots, exchange ns, local ns) of each answer, in the order of its receipt; price and lots are
    of fills. Orders have to be placed in the order of their ids, from 1.
    """
    tape = prepared(maker.tape())
    venue, logs = new_venue(tape, latencies or constant(10 * MS, 10 * MS)), new_logs()
    c, state, heard = venue.cursor[0], Core(np.zeros(1, CORE)), []
    c["end_ns"], c["next_sample_ns"] = NEVER, NEVER
    c["queue_model"], c["queue_exponent"] = QUEUE_MODELS.index(model), exponent
    waiting = [(START + ms * MS, action) for ms, action in script]
    while True:
        state.core[0]["next_wake_ns"] = waiting[0][0] if waiting else 0
        due, source = look_ahead(tape, state, venue, logs)
        if due == NEVER:
            return heard
        c["now"] = max(c["now"], due)
        if source <= REQUEST:
            serve_venue(tape, venue, logs, source)
        elif source == RESPONSE:
            heard.append(told(logs.responses[c["first_response"]]))
            c["first_response"] += 1
        elif source in (LOCAL_TRADE, LOCAL_GAP, LOCAL_UPDATE):
            c[{LOCAL_TRADE: "local_trade", LOCAL_GAP: "local_gap", LOCAL_UPDATE: "local_update"}[source]] += 1
        else:
            send(state, venue, logs, action_of(waiting.pop(0)[1]))


def action_of(fields):
    """Return an action's record."""
    action = np.zeros(1, ACTION)[0]
    for name, value in fields.items():
        action[name] = value
    return action


def told(event):
    """Return the fields of an answer that the plain venue has too."""
    names = ("kind", "order_id", "price_ticks", "qty_lots", "exch_ts", "local_ts")
    return tuple(int(event[name]) for name in names)


class PlainVenue:
    """The fill model's docstring in dictionaries and lists: no thought of speed, nothing shared with the replay."""

    def __init__(self, maker, script, latencies, model, exponent):
        """Lay out everything that reaches the venue, in the order in which it does."""
        tape = maker.tape()
        self.book, self.best, self.known, self.orders = {1: {}, -1: {}}, (0, 0), False, []
        self.answers, self.model, self.exponent = [], model, exponent
        self.response_ns, self.last = [int(ns) for ns in latencies.response_ns], 0
        events = [(int(at), 0, i, self.trade, row(tape, "trade", i)) for i, at in enumerate(tape.trade_exch)]
        events += [(int(at), 1, i, self.gap, None) for i, at in enumerate(tape.gap_exch)]
        events += [(int(at), 2, i, self.update, row(tape, "update", i)) for i, at in enumerate(tape.update_exch)]
        arrives = 0
        for k, (ms, action) in enumerate(script):
            arrives = max(arrives, START + ms * MS + int(latencies.entry_ns[k % len(latencies.entry_ns)]))
            events.append((arrives, 3, k, self.request, SimpleNamespace(**action)))
        self.events = sorted(events, key=lambda event: event[:3])

    def news(self):
        """Return what the venue says."""
        for now, _, _, happens, what in self.events:
            self.now = now
            happens(what)
        return self.answers

    def say(self, kind, order_id, ticks=0, lots=0):
        """Answer, never before the last answer."""
        self.last = max(self.last, self.now + self.response_ns[len(self.answers) % len(self.response_ns)])
        self.answers.append((kind, order_id, ticks, lots, self.now, self.last))

    def reached(self, side, ticks):
        """Return whether the opposite best stands at a price or beyond."""
        opposite = self.best[1] if side == BUY else self.best[0]
        return opposite > 0 and side * (ticks - opposite) >= 0

    def request(self, action):
        """Take an order or a cancel."""
        if action.kind == CANCEL:
            mine = [order for order in self.orders if order.id == action.order_id]
            if mine:
                self.orders.remove(mine[0])
                self.say(GONE, action.order_id)
        elif not self.known or self.reached(action.side, action.price_ticks):
            self.say(REJECT, action.order_id)
        else:
            shown = self.book[action.side].get(action.price_ticks, 0)
            fields = {"id": action.order_id, "side": action.side, "ticks": action.price_ticks, "left": action.qty_lots}
            self.orders.append(SimpleNamespace(**fields, ahead=float(shown), shown=shown, traded=0))
            self.say(ACK, action.order_id)

    def fill(self, order, lots):
        """Fill an order, and forget it when that was all."""
        order.left -= lots
        self.say(FILL, order.id, order.ticks, lots)
        if order.left == 0:
            self.orders.remove(order)

    def trade(self, trade):
        """Print a trade."""
        left = trade.lots
        for order in list(self.orders):
            better = order.side * (order.ticks - trade.ticks)
            if order.side == trade.side or better < 0:
                continue
            if better > 0:
                self.fill(order, order.left)
                continue
            excess = max(math.floor(left - order.ahead + 1e-6), 0)
            order.ahead, order.traded = max(order.ahead - left, 0.0), order.traded + left
            taken = min(excess, order.left)
            if taken:
                self.fill(order, taken)
            left -= taken

    def update(self, update):
        """Change levels one by one, then fill what the opposite best has reached."""
        for side, ticks, lots in update.levels:
            self.book[side][ticks] = lots
            for order in self.orders:
                if (order.side, order.ticks) == (side, ticks):
                    order.ahead = self.ahead(order, lots)
                    order.shown, order.traded = lots, 0
        self.best, self.known = update.best, self.known or update.fresh
        for order in list(self.orders):
            if self.reached(order.side, order.ticks):
                self.fill(order, order.left)

    def ahead(self, order, shown):
        """Return what is ahead of an order when `shown` lots are displayed at its price."""
        ahead = order.ahead
        behind = max(order.shown - order.traded - ahead, 0)
        gone = order.shown - order.traded - shown
        if self.model != "risk_averse" and gone > 0:
            f = math.log1p if self.model == "log" else lambda lots: lots**self.exponent
            total = f(ahead) + f(behind)
            ahead -= gone - min(gone * f(behind) / total if total > 0 else 0, behind)
        return max(min(ahead, shown), 0)

    def gap(self, _):
        """Lose the book."""
        self.known = False
        for order in self.orders:
            self.say(GONE, order.id)
        self.orders = []


def row(tape, kind, i):
    """Return a trade or an update of a tape."""
    if kind == "trade":
        return SimpleNamespace(
            side=int(tape.trade_side[i]), ticks=int(tape.trade_ticks[i]), lots=int(tape.trade_lots[i])
        )
    rows = slice(tape.level_start[i], tape.level_start[i + 1])
    columns = (tape.level_side[rows], tape.level_ticks[rows], tape.level_lots[rows])
    levels = [tuple(map(int, level)) for level in zip(*columns, strict=True)]
    return SimpleNamespace(
        levels=levels, best=(int(tape.bid_ticks[i]), int(tape.ask_ticks[i])), fresh=tape.fresh[i] == 1
    )
