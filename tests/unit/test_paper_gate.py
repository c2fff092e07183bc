import hashlib
import hmac

import pytest
from pydantic import ValidationError

from strategy.errors import BadInput
from strategy.venues.paper.__main__ import configuration
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.filters import Filters
from strategy.venues.paper.gate import Gate, Window, rest_payload, socket_payload
from strategy.venues.paper.grid import Grid, exact_units, money_text
from strategy.venues.paper.refusals import Refusal

NOW_NS = 1_700_000_000_000_000_000
NOW_MS = NOW_NS // 1_000_000
CONFIG = PaperConfig()


def signed(query, secret="paper-secret"):
    return f"{query}&signature={hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()}"


def check(query, key="paper"):
    parameters = dict(part.split("=") for part in query.split("&") if part)
    Gate(CONFIG).check_signed(key, rest_payload(query, ""), parameters, NOW_NS)


def test_a_fresh_signed_request_passes():
    check(signed(f"symbol=BTCFDUSD&timestamp={NOW_MS}"))
    check(signed(f"timestamp={NOW_MS - 59_000}&recvWindow=60000"))
    check(signed(f"timestamp={NOW_MS - 6_000}&recvWindow=6000.346"))


@pytest.mark.parametrize(
    ("query", "key", "code"),
    [
        (signed(f"timestamp={NOW_MS}"), "", -2014),
        (signed(f"timestamp={NOW_MS}"), "other", -2015),
        (f"timestamp={NOW_MS}", "paper", -1102),
        (signed(f"timestamp={NOW_MS}", secret="wrong"), "paper", -1022),
        (signed("symbol=BTCFDUSD"), "paper", -1102),
        (signed("timestamp=now"), "paper", -1100),
        (signed(f"timestamp={NOW_MS - 5_001}"), "paper", -1021),
        (signed(f"timestamp={NOW_MS + 1_001}"), "paper", -1021),
        (signed(f"timestamp={NOW_MS}&recvWindow=60001"), "paper", -1131),
    ],
)
def test_what_is_not_right_is_refused_with_the_venues_code(query, key, code):
    with pytest.raises(Refusal) as refused:
        check(query, key)
    assert refused.value.code == code


def test_a_rest_signature_covers_query_and_body_wherever_it_stands():
    assert rest_payload("a=1&signature=ff&b=2", "") == "a=1&b=2"
    assert rest_payload("signature=ff", "") == ""
    assert rest_payload("a=1", "b=2&signature=ff") == "a=1b=2"


def test_a_socket_signature_covers_the_parameters_in_alphabetical_order():
    assert socket_payload({"timestamp": "1", "apiKey": "k", "signature": "ff"}) == "apiKey=k&timestamp=1"


def test_a_window_forgets_what_is_older_than_its_seconds():
    window = Window(10)
    assert window.spend(NOW_NS, 4) == 4
    assert window.spend(NOW_NS + 9_999_999_999, 1) == 5
    assert window.spend(NOW_NS + 10_000_000_000, 1) == 2


def test_weight_and_orders_beyond_the_limits_are_refused_with_429():
    gate = Gate(PaperConfig(weight_per_minute=10, orders_per_10s=1))
    gate.admit(NOW_NS, 10)
    gate.admit_order(NOW_NS)
    for call, code in ((lambda: gate.admit(NOW_NS, 1), -1003), (lambda: gate.admit_order(NOW_NS), -1015)):
        with pytest.raises(Refusal) as refused:
            call()
        assert (refused.value.code, refused.value.status) == (code, 429)
    assert gate.headers()["X-MBX-USED-WEIGHT-1M"] == "11"


@pytest.mark.parametrize(
    ("name", "value", "code", "text"),
    [
        ("ticks", "100.001", -1013, "PRICE_FILTER"),
        ("ticks", "0", -1013, "PRICE_FILTER"),
        ("ticks", "600.01", -1013, "PERCENT_PRICE_BY_SIDE"),
        ("ticks", "-1", -1100, "price"),
        ("ticks", "1e2", -1100, "price"),
        ("ticks", "1.000000001", -1111, "too much precision"),
        ("lots", "0.000001", -1013, "LOT_SIZE"),
        ("lots", "0", -1013, "LOT_SIZE"),
        ("lots", "9000.00001", -1013, "LOT_SIZE"),
    ],
)
def test_numbers_off_the_rules_are_refused_with_the_filters_name(name, value, code, text):
    filters = Filters.of(CONFIG, Grid.of(CONFIG.tick_size, CONFIG.lot_size))
    arguments = (value, 10_000) if name == "ticks" else (value,)
    with pytest.raises(Refusal, match=text) as refused:
        getattr(filters, name)(*arguments)
    assert refused.value.code == code


def test_numbers_are_read_and_written_exactly():
    grid = Grid.of("0.01", "0.00001")
    assert grid.price(6_183_763) == "61837.63000000"
    assert grid.quantity(378_826) == "3.78826000"
    assert grid.quote_units(6_183_763, 378_826) == exact_units("234257.0202238")
    assert money_text(-5) == "-0.00000005"
    assert exact_units("nan") is None
    with pytest.raises(ValueError, match=r"tick size 0.00001 with lot size 0.00001"):
        Grid.of("0.00001", "0.00001")


def test_a_bad_option_is_named_with_its_value():
    assert configuration(["--base", "0.5", "--port", "0"]).base.as_tuple().digits == (5,)
    with pytest.raises(BadInput, match=r"start_price was '-1'"):
        configuration(["--start-price", "-1"])
    with pytest.raises(ValidationError, match="does not fit"):
        PaperConfig(tick_size="0.00001")
