import orjson
import pytest

from strategy.errors import BadData
from strategy.kernel.records import BUY, SELL
from strategy.venues.events import BookTicker, DepthDiff, DepthSnapshot, Epoch, InstrumentInfo, Trade
from strategy.venues.wire import nanoseconds, parse
from tests.unit import market_lines


def payload(raw: bytes) -> bytes:
    return raw.split(b" ", 1)[1]


def test_a_spot_diff_keeps_ids_levels_and_both_clocks():
    message = {
        "e": "depthUpdate", "E": 1723161255208, "s": "BTCUSDT", "U": 10, "u": 12,
        "b": [["61737.63", "0.00"]], "a": [["61837.64", "1.5"], ["61839.85", "0"]],
    }  # fmt: skip
    expected = DepthDiff(
        "BTCUSDT", 1723161255208000000, 7, 10, 12, -1, (("61737.63", "0.00"),), (("61837.64", "1.5"), ("61839.85", "0"))
    )
    assert parse(7, orjson.dumps(message)) == (expected,)
    assert parse(7, orjson.dumps({"stream": "btcusdt@depth", "data": message})) == (expected,)


def test_a_futures_diff_has_the_previous_id_and_the_time_of_the_match():
    message = {"e": "depthUpdate", "E": 1000, "T": 998, "s": "BTCUSDT", "U": 1, "u": 2, "pu": 0, "b": [], "a": []}
    (event,) = parse(7, orjson.dumps(message))
    assert isinstance(event, DepthDiff)
    assert (event.prev_id, event.exch_ts) == (0, 998_000_000)


@pytest.mark.parametrize(("maker", "side"), [(True, SELL), (False, BUY)])
def test_a_trade_has_the_aggressors_side(maker, side):
    (event,) = parse(7, payload(market_lines.trade(0, 5, "100.02", "0.5", buyer_made=maker)))
    assert event == Trade("BTCUSDT", market_lines.START_NS, 7, 5, "100.02", "0.5", side)


def test_bare_messages_are_told_apart_by_their_fields():
    assert parse(7, b'{"lastUpdateId":3,"bids":[["1","2"]],"asks":[]}') == (DepthSnapshot(7, 3, (("1", "2"),), ()),)
    assert parse(7, b'{"epoch":{"n":1,"reason":"connected"}}') == (Epoch(7, "connected"),)
    assert parse(7, b'{"u":4,"s":"BTCUSDT","b":"1","B":"2","a":"3","A":"4"}') == (
        BookTicker("BTCUSDT", 7, 4, "1", "2", "3", "4"),
    )
    info = InstrumentInfo("BTCUSDT", 7, "0.01000000", "0.00100000", "0.00100000", "5.00000000")
    assert parse(7, payload(market_lines.exchange_info(0))) == (info,)


@pytest.mark.parametrize(
    "other", [b'{"result":null,"id":1}', b'{"stream":"x@kline","data":{"e":"kline"}}', b'{"e":"aggTrade","s":"X"}']
)
def test_other_valid_messages_say_nothing(other):
    assert parse(7, other) == ()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (b'{"e":"trade"', "not JSON"),
        (b"[1,2]", "not a JSON object"),
        (b'{"e":"trade","s":"X","T":1,"t":1,"q":"1","m":true}', "trade message lacks 'p'"),
        (b'{"e":"depthUpdate","E":1,"s":"X","U":1.5,"u":2,"b":[],"a":[]}', "1.5 is not an integer"),
        (b'{"e":"depthUpdate","E":1,"s":"X","U":1,"u":2,"b":[["1"]],"a":[]}', "depthUpdate message is malformed"),
        (b'{"lastUpdateId":3,"bids":null,"asks":[]}', "lastUpdateId message is malformed"),
        (b'{"stream":"x","data":[1]}', "stream message is malformed"),
        (b'{"symbols":[{"symbol":"X","filters":[]}]}', "symbols message lacks 'PRICE_FILTER'"),
    ],
)
def test_a_wrong_message_is_bad_data_saying_what(wrong, text):
    with pytest.raises(BadData, match=text):
        parse(7, wrong)


def test_stamps_become_nanoseconds_whatever_their_unit():
    expected = 1_723_161_255_208_000_000
    assert {nanoseconds(value) for value in (expected // 10**6, expected // 10**3, expected)} == {expected}
