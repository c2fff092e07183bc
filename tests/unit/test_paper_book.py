from hypothesis import given
from hypothesis import strategies as st

from strategy.kernel.records import BUY, SELL
from strategy.venues.paper.book import CROWD, Book, Order

OWNER = 1


def resting(book, order_id, side, price, qty, owner=CROWD):
    order = Order(order_id, owner, side, price, qty)
    book.rest(order)
    return order


def test_the_better_price_trades_first_then_the_earlier_order():
    book = Book(0)
    for order_id, price in ((1, 101), (2, 100), (3, 100)):
        resting(book, order_id, SELL, price, 5)
    taking = book.take(CROWD, BUY, 101, 12)
    assert [(match.maker.order_id, match.price, match.qty) for match in taking.matches] == [
        (2, 100, 5),
        (3, 100, 5),
        (1, 101, 2),
    ]
    assert (taking.leaves, book.asks.best, book.asks.size(101)) == (0, 101, 3)


def test_a_cancel_ahead_moves_the_queue_up_and_a_partial_fill_keeps_its_place():
    book = Book(0)
    orders = [resting(book, order_id, BUY, 100, 5) for order_id in (1, 2, 3)]
    book.cancel(orders[0])
    book.take(CROWD, SELL, 100, 2)
    assert [order.leaves for order in orders] == [0, 3, 5]
    assert [match.maker.order_id for match in book.take(CROWD, SELL, 100, 4).matches] == [2, 3]


def test_a_taker_stops_at_its_limit():
    book = Book(0)
    resting(book, 1, SELL, 100, 5)
    resting(book, 2, SELL, 103, 5)
    taking = book.take(CROWD, BUY, 102, 9)
    assert (taking.leaves, book.asks.best) == (4, 103)


def test_an_own_resting_order_expires_instead_of_trading_with_its_owner():
    book = Book(0)
    own = resting(book, 1, SELL, 100, 5, OWNER)
    resting(book, 2, SELL, 100, 5)
    assert book.available(BUY, 100, OWNER) == 5
    taking = book.take(OWNER, BUY, 100, 5)
    assert (taking.expired, [match.maker.order_id for match in taking.matches]) == ([own], [2])


def test_every_change_of_a_level_takes_one_update_id():
    book = Book(1_000)
    order = resting(book, 1, BUY, 100, 5)
    resting(book, 2, BUY, 99, 5)
    book.take(CROWD, SELL, 100, 2)
    book.cancel(order)
    assert book.update_id == 1_004
    assert book.bids.changed == {100, 99}


actions = st.lists(
    st.tuples(st.sampled_from((BUY, SELL)), st.integers(95, 105), st.integers(1, 9), st.integers(0, 2)), max_size=60
)


@given(actions)
def test_any_flow_leaves_an_uncrossed_book_whose_levels_are_the_sums_of_their_queues(flow):
    book, alive, traded, came = Book(0), [], 0, 0
    for number, (side, price, qty, what) in enumerate(flow, start=1):
        alive = [order for order in alive if order.leaves]
        if what == 0 and alive:
            came -= alive[0].leaves
            book.cancel(alive[0])
            continue
        came += qty
        taking = book.take(CROWD, side, price, qty)
        traded += 2 * sum(match.qty for match in taking.matches)
        assert all((match.price - price) * side <= 0 for match in taking.matches)
        if taking.leaves and what == 2:
            alive.append(resting(book, number, side, price, taking.leaves))
        else:
            came -= taking.leaves
        assert not (book.bids.keys and book.asks.keys) or book.bids.best < book.asks.best
    left = 0
    for half in (book.bids, book.asks):
        assert half.keys == sorted(half.keys)
        assert set(half.levels) == {key * half.sign for key in half.keys}
        for level in half.levels.values():
            assert level.total == sum(order.leaves for order in level.orders.values()) > 0
            left += level.total
    assert came == left + traded
