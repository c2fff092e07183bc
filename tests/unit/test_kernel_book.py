import numpy as np

from strategy.kernel.book import best, clear, grown, new_book, replace, set_level, size_at
from strategy.kernel.records import BUY, SELL


def test_best_stands_at_the_end_of_each_side():
    book = new_book(8)
    for side, prices in ((BUY, [5, 9, 7]), (SELL, [14, 11, 12])):
        for price in prices:
            assert set_level(book, side, price, price * 10)
    assert best(book, BUY) == (9, 90)
    assert best(book, SELL) == (11, 110)
    assert book.bids[:3, 0].tolist() == [5, 7, 9]
    assert book.asks[:3, 0].tolist() == [14, 12, 11]


def test_empty_side_has_best_zero_and_clear_empties():
    book = new_book(4)
    assert best(book, BUY) == (0, 0)
    set_level(book, BUY, 5, 1)
    clear(book)
    assert best(book, BUY) == (0, 0)
    assert size_at(book, BUY, 5) == 0


def test_full_side_says_so_changes_nothing_and_continues_when_grown():
    book = new_book(2)
    assert set_level(book, BUY, 1, 1)
    assert set_level(book, BUY, 2, 2)
    assert not set_level(book, BUY, 3, 3)
    assert set_level(book, BUY, 2, 5)
    larger = grown(book)
    assert set_level(larger, BUY, 3, 3)
    assert [size_at(larger, BUY, p) for p in (1, 2, 3, 4)] == [1, 5, 3, 0]


def test_replace_makes_a_side_equal_to_the_levels():
    book = new_book(4)
    set_level(book, SELL, 100, 7)
    assert replace(book, SELL, np.array([30, 10, 20]), np.array([3, 1, 2]))
    assert best(book, SELL) == (10, 1)
    assert size_at(book, SELL, 100) == 0
    assert not replace(book, SELL, np.arange(5), np.ones(5, np.int64))


def test_random_changes_equal_a_dictionary():
    rng, book, plain = np.random.default_rng(3), new_book(512), {BUY: {}, SELL: {}}
    for _ in range(5_000):
        side, price, lots = int(rng.choice([BUY, SELL])), int(rng.integers(1, 300)), int(rng.integers(0, 4))
        assert set_level(book, side, price, lots)
        plain[side][price] = lots
    for side, rows in ((BUY, book.bids), (SELL, book.asks)):
        expected = sorted((p for p, lots in plain[side].items() if lots), key=lambda p, side=side: side * p)
        count = book.counts[0 if side == BUY else 1]
        assert rows[:count, 0].tolist() == expected
        assert all(size_at(book, side, p) == lots for p, lots in plain[side].items())
