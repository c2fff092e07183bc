from collections.abc import AsyncIterator
from typing import Any

import pytest
from ccxt.abstract.binance import ImplicitAPI

from strategy.venues.ccxt_venue import open_exchange
from strategy.venues.endpoints import Endpoint, endpoints
from strategy.venues.settings import paper_venue
from strategy.venues.signing import Signer

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "price": "60000.01", "newClientOrderId": "mv-1-b0-7"}


@pytest.fixture(params=["BTC/USDT", "BTC/USDT:USDT"])
async def exchange(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    config = paper_venue("http://127.0.0.1:1", request.param)
    opened = open_exchange(config)
    opened.nonce = lambda: 1_700_000_000_123
    opened.endpoints = endpoints(config)
    yield opened
    await opened.close()


def by_ccxt(exchange: Any, endpoint: Endpoint, fields: dict[str, Any]) -> dict[str, Any]:
    entry = vars(ImplicitAPI)[endpoint.name]
    return exchange.sign(entry.path, entry.api, entry.method, dict(fields))


@pytest.mark.parametrize("client_id", ["mv-1-b0-7", "web:a/b_c.d", "ä +&="])
async def test_every_request_that_acts_is_signed_as_ccxt_signs_it(exchange: Any, client_id: str) -> None:
    found = exchange.endpoints
    requests = [
        (found.place, ORDER | {"newClientOrderId": client_id}),
        (found.cancel, {"symbol": "BTCUSDT", "origClientOrderId": client_id}),
        (found.cancel_all, {"symbol": "BTCUSDT"}),
    ]
    for endpoint, fields in requests:
        assert Signer(exchange).sign(endpoint, fields) == by_ccxt(exchange, endpoint, fields)


async def test_a_key_of_another_kind_is_left_to_ccxt(exchange: Any) -> None:
    signed = []
    exchange.secret = "-----BEGIN PRIVATE KEY-----"
    exchange.sign = lambda *asked: signed.append(asked) or {"url": "signed by ccxt"}
    request = Signer(exchange).sign(exchange.endpoints.place, ORDER)
    assert (request, signed[0][0]) == ({"url": "signed by ccxt"}, "order")
