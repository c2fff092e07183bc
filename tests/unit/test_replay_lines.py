"""Messages under way: latencies, lines that nobody overtakes on, and several generations of orders at once."""

import pickle
from collections import Counter

import numpy as np
import pytest

from strategy.errors import BadInput
from strategy.kernel.records import ACK, BUY, FILL, REJECT, SELL
from strategy.kernel.records import CANCELLED as GONE
from strategy.replay.driver import ReplayConfig
from strategy.replay.latency import Latencies, constant, drawn
from strategy.replay.queue_models import QUEUE_MODELS
from tests.golden.golden_sets import table_hash
from tests.unit.kernel_samples import MS, START, parameter_set
from tests.unit.tape_samples import QUOTED_ASK, QUOTED_BID, TapeMaker, run
from tests.unit.venue_samples import PlainVenue, cancel, news_of, place

pytestmark = pytest.mark.slow

ROUND_TRIPS = [(2 * MS, 3 * MS), (40 * MS, 1 * MS), (7 * MS, 90 * MS), (1 * MS, 1 * MS)]


def lines(entry_ms, response_ms=(10,)):
    """Return latencies of milliseconds."""
    return Latencies(*(np.array(ms, np.int64) * MS for ms in (entry_ms, response_ms)))


def at(news, order_id, *kinds):
    """Return (kind, exchange ms, local ms) of an order's news, of some kinds if given."""
    return [
        (kind, (exch - START) // MS, (local - START) // MS)
        for kind, mine, _, _, exch, local in news
        if mine == order_id and (not kinds or kind in kinds)
    ]


def market(queue=50):
    """Return a maker with a book that stands still for a second."""
    return TapeMaker().ladder(0, queue).update(1_000)


def test_requests_and_answers_take_their_latencies_in_turn():
    script = [(10 * k, place(k, BUY, QUOTED_BID - k)) for k in range(1, 6)]
    news = news_of(market(), script, lines((1, 2, 3), (4, 5)))
    assert [at(news, k)[0][1:] for k in range(1, 6)] == [(11, 15), (22, 27), (33, 37), (41, 46), (52, 56)]


def test_message_waits_for_the_one_sent_before_it_on_both_lines():
    script = [(10, place(1, BUY, QUOTED_BID)), (12, place(2, SELL, QUOTED_ASK)), (60, place(3, BUY, QUOTED_BID - 1))]
    news = news_of(market(), script, lines((30, 1, 1), (50, 1, 1)))
    assert [at(news, k) for k in (1, 2, 3)] == [[(ACK, 40, 90)], [(ACK, 40, 90)], [(ACK, 61, 90)]]


@pytest.mark.parametrize("latencies", [lines((10,)), lines((5, 20), (3, 30))], ids=["constant", "drawn"])
@pytest.mark.parametrize(("trade_ms", "ends"), [(115, FILL), (120, FILL), (121, GONE), (125, GONE)])
def test_cancel_that_loses_its_race_yields_the_fill_and_no_cancelled(latencies, trade_ms, ends):
    sent_ms = 110 if len(latencies.entry_ns) == 1 else 100
    maker = market().trade(trade_ms, SELL, QUOTED_BID - 1, 1)
    news = news_of(maker, [(0, place(1, BUY, QUOTED_BID)), (sent_ms, cancel(1))], latencies)
    assert [kind for kind, *_ in at(news, 1)] == [ACK, ends]


def test_cancel_after_a_partial_fill_ends_only_the_rest():
    maker = market().trade(115, SELL, QUOTED_BID, 80).trade(140, SELL, QUOTED_BID, 900)
    news = news_of(maker, [(0, place(1, BUY, QUOTED_BID)), (110, cancel(1))])
    assert at(news, 1) == [(ACK, 10, 20), (FILL, 115, 125), (GONE, 120, 130)]
    assert [lots for kind, _, _, lots, _, _ in news if kind == FILL] == [30]


def test_cancel_sent_before_its_order_has_arrived_ends_it_on_arrival():
    news = news_of(market(), [(10, place(1, BUY, QUOTED_BID)), (11, cancel(1))], lines((40, 1)))
    assert at(news, 1) == [(ACK, 50, 60), (GONE, 50, 60)]


@pytest.mark.parametrize(
    ("trade_ms", "first", "second"),
    [
        (105, [ACK, FILL], [ACK]),  # before the cancel and the second order
        (110, [ACK, FILL], [ACK]),  # with the cancel: a trade of the same moment comes first
        (111, [ACK, GONE], [ACK]),  # between them: it meets neither
        (113, [ACK, GONE], [ACK, FILL]),  # after both
    ],
)
def test_second_generation_under_way_with_the_firsts_cancel_fills_only_once_it_rests(trade_ms, first, second):
    maker = market().trade(trade_ms, SELL, QUOTED_BID - 9, 1)
    script = [(0, place(1, BUY, QUOTED_BID)), (100, cancel(1)), (102, place(2, BUY, QUOTED_BID - 4))]
    news = news_of(maker, script)
    assert ([kind for kind, *_ in at(news, 1)], [kind for kind, *_ in at(news, 2)]) == (first, second)


@pytest.mark.parametrize("latencies", [lines((10,)), lines((10, 15, 9, 3), (1, 50))], ids=["constant", "drawn"])
def test_two_generations_at_one_price_fill_in_the_order_of_arrival(latencies):
    script = [(0, place(1, BUY, QUOTED_BID)), (40, place(2, BUY, QUOTED_BID)), (100, cancel(1))]
    maker = market().trade(90, SELL, QUOTED_BID, 120).trade(105, SELL, QUOTED_BID, 60)
    news = news_of(maker, script, latencies)
    filled = [(order_id, lots, (exch - START) // MS) for kind, order_id, _, lots, exch, _ in news if kind == FILL]
    if len(latencies.entry_ns) == 1:
        # 50 ahead of each; the second trade is shared while the cancel is still under way
        assert filled == [(1, 70, 90), (1, 30, 105), (2, 30, 105)]
        assert at(news, 1, GONE) == []
    else:
        # the third request takes 9 ms: also too late
        assert filled == [(1, 70, 90), (1, 30, 105), (2, 30, 105)]
        assert [local for _, _, local in at(news, 1, FILL)] == sorted(local for _, _, local in at(news, 1, FILL))


def test_ask_of_the_next_generation_is_exact_beside_a_bid_being_cancelled():
    maker = market().trade(108, SELL, QUOTED_BID, 60).trade(109, BUY, QUOTED_ASK - 3, 7).trade(114, BUY, QUOTED_ASK, 9)
    script = [(0, place(1, BUY, QUOTED_BID)), (100, cancel(1)), (101, place(2, SELL, QUOTED_ASK - 3))]
    news = news_of(maker, script)
    assert at(news, 1) == [(ACK, 10, 20), (FILL, 108, 118), (GONE, 110, 120)]
    assert at(news, 2) == [(ACK, 111, 121), (FILL, 114, 124)]


ORDERS = 30


class Stage:
    """A random market of a few prices around a mid that wanders, and random requests in it."""

    def __init__(self, seed):
        """Make 150 moves."""
        self.draws = np.random.default_rng(seed)
        self.maker, self.script, self.ms, self.mid, self.orders = TapeMaker(), [], 0, 1_000, 0
        self.book({}, fresh=True)
        moves = (self.level, self.trade, self.place, self.cancel, self.shift, self.gap)
        for move in self.draws.choice(len(moves), 150, p=(0.3, 0.25, 0.25, 0.12, 0.06, 0.02)):
            self.ms += self.pick(0, 12)
            moves[move]()

    def pick(self, low, high):
        """Return a whole number, both ends included."""
        return int(self.draws.integers(low, high + 1))

    def side(self):
        """Return a side."""
        return BUY if self.pick(0, 1) else SELL

    def book(self, gone, fresh=False):
        """Stand four levels on each side of mid."""
        stands = {(side, self.mid - side * away): self.pick(1, 40) for side in (BUY, SELL) for away in (1, 2, 3, 4)}
        self.maker.update(self.ms, *((*level, lots) for level, lots in (gone | stands).items()), fresh=fresh)

    def level(self):
        """Change one to three levels."""
        for _ in range(self.pick(1, 3)):
            side = self.side()
            self.maker.update(self.ms, (side, self.mid - side * self.pick(1, 4), self.pick(0, 60)))

    def trade(self):
        """Print a trade near the touch."""
        side = self.side()
        self.maker.trade(self.ms, side, self.mid + side * self.pick(1, 3), self.pick(1, 60))

    def place(self):
        """Send an order, while there is room for one more in the venue's memory."""
        if self.orders < ORDERS:
            self.orders += 1
            side = self.side()
            self.script.append((self.ms, place(self.orders, side, self.mid - side * self.pick(0, 3), self.pick(1, 40))))

    def cancel(self):
        """Cancel one of the last orders, gone or not, on its way or there."""
        if self.orders:
            self.script.append((self.ms, cancel(max(self.orders - self.pick(0, 4), 1))))

    def shift(self):
        """Move the whole book by up to three ticks."""
        reach = range(self.mid - 5, self.mid + 6)
        self.mid += self.pick(-3, 3)
        self.book({(side, ticks): 0 for side in (BUY, SELL) for ticks in reach})

    def gap(self):
        """Lose the book for a while."""
        self.maker.gap(self.ms)
        self.ms += self.pick(5, 20)
        self.book({}, fresh=True)


@pytest.mark.parametrize("model", QUEUE_MODELS)
def test_any_stream_of_market_and_requests_is_answered_as_by_a_plain_venue(model):
    kinds, lost_races = Counter(), 0
    for seed in range(60):
        stage = Stage(seed)
        latencies = lines(*(stage.draws.integers(0, 30, stage.pick(1, 5)) for _ in range(2)))
        heard = news_of(stage.maker, stage.script, latencies, model, 2.0)
        assert heard == PlainVenue(stage.maker, stage.script, latencies, model, 2.0).news()
        ends = [order_id for kind, order_id, *_ in heard if kind in (GONE, REJECT)]
        assert len(ends) == len(set(ends))
        kinds.update(kind for kind, *_ in heard)
        cancelled = {action["order_id"] for _, action in stage.script if "side" not in action}
        lost_races += len(cancelled & {order_id for kind, order_id, *_ in heard if kind == FILL} - set(ends))
    assert min(kinds[kind] for kind in (ACK, FILL, GONE, REJECT)) > 100
    assert lost_races > 50


@pytest.mark.parametrize("seed", range(3))
def test_constant_draws_replay_as_the_constants_do(seed):
    maker = market().trade(40, SELL, QUOTED_BID, 80).trade(300, BUY, QUOTED_ASK, 900)
    short = parameter_set(quoting={"buy_spreads": [1], "sell_spreads": [1], "executor_refresh_time": 0.1})
    one = run(maker, short, entry_latency_ns=7 * MS, response_latency_ns=9 * MS)
    other = run(maker, short, latencies=drawn([(7 * MS, 9 * MS)], seed, 5))
    for table in ("fills", "orders", "decisions", "events"):
        assert table_hash(getattr(one, table)) == table_hash(getattr(other, table))
    assert len(one.fills) > 0


def test_drawn_latencies_are_the_recorded_ones_and_the_seeds_own():
    one, same, other = drawn(ROUND_TRIPS, 1), drawn(ROUND_TRIPS, 1), drawn(ROUND_TRIPS, 2)
    assert set(zip(one.entry_ns.tolist(), one.response_ns.tolist(), strict=True)) == set(ROUND_TRIPS)
    assert len(one.entry_ns) == 4_096
    assert one == same
    assert one != other
    assert len({one, same, other}) == 2


def test_configuration_with_draws_is_named_by_a_digest_compared_hashed_and_sent_to_other_processes():
    one, same, other = (ReplayConfig(latencies=drawn(ROUND_TRIPS, seed)) for seed in (1, 1, 2))
    assert one == same != other
    assert (hash(one), repr(one)) == (hash(same), repr(same))
    assert repr(one) != repr(other)
    assert len(repr(one)) < 700
    assert "4096 draws" in repr(one)
    assert pickle.loads(pickle.dumps(one)) == one
    assert "Latencies(entry_ns=5, response_ns=6)" in repr(ReplayConfig(latencies=constant(5, 6)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (([], [1]), "latencies.entry_ns had 0 elements"),
        (([3], [1, -2]), "latencies.response_ns had -2, none may be under 0"),
    ],
)
def test_impossible_latencies_are_refused(wrong, said):
    with pytest.raises(BadInput, match=f"^{said}"):
        ReplayConfig(latencies=Latencies(*(np.array(line, np.int64) for line in wrong)))


def test_nothing_can_be_drawn_from_nothing():
    with pytest.raises(BadInput, match="recorded round trips were 0"):
        drawn([], 1)
    with pytest.raises(BadInput, match="draws of latencies were 0"):
        drawn(ROUND_TRIPS, 1, 0)
