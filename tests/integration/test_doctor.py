"""The doctor and what it guards, against accounts of the paper venue as if they were real ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows import clearance, doctor
from flows.doctor_venue import VenueChecks
from flows.settings import BINANCE, TESTNET, Settings, Venue
from strategy.errors import BadInput, Failed
from tests.conformance.venue_process import paper_process
from tests.integration.rig import close_quotes
from tests.unit.fake_broker import INSTRUMENT

pytestmark = pytest.mark.slow

FUTURES = "BTC/USDT:USDT"


@contextmanager
def account(home: Path, *options: str, symbol: str = "BTC/FDUSD", **settings: object) -> Iterator[Settings]:
    """Yield settings whose venue `live` is a paper venue with such an account."""
    with paper_process("--symbol", symbol, *options) as venue:
        stream = venue.url.replace("http", "ws")
        table = Venue(rest_url=venue.url, stream_url=f"{stream}/stream", ws_api_url=f"{stream}/ws-api/v3")
        given = {"venue": "live", "venues": {"live": table}, "home": home, "symbol": symbol, **settings}
        yield Settings.model_validate(given)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    monkeypatch.setenv("MICROVOL_LIVE_API_KEY", "paper")
    monkeypatch.setenv("MICROVOL_LIVE_API_SECRET", "paper-secret")


def test_a_good_account_passes_and_only_then_may_real_money_be_quoted_with(tmp_path: Path) -> None:
    with account(tmp_path) as settings:
        with pytest.raises(BadInput, match="venue live trades with real money: say so with --i-understand"):
            clearance.require(settings, i_understand=False)
        clearance.require(settings, i_understand=True)
        checks = VenueChecks(settings)
        assert checks.key() == "may trade, may not withdraw; works from any address"
        assert checks.fees() == "maker 0 bps, taker 0 bps, as assumed"
        assert checks.balances(None) == "0.05 BTC, 5000 FDUSD, 0 open orders"


def test_a_key_that_may_withdraw_and_fees_that_nobody_assumed_forbid_quoting(tmp_path: Path) -> None:
    with account(tmp_path, "--may-withdraw", "true", "--maker-fee-bps", "7.5") as settings:
        with pytest.raises(Failed, match=r"forbids quoting on live: key: the key may withdraw.* \(and 1 more"):
            clearance.require(settings, i_understand=True)
        with pytest.raises(Failed, match=r"^maker 7.5 bps, taker 0 bps, but costs.maker_fee_bps assumes 0"):
            VenueChecks(settings).fees()
        assumed = settings.model_copy(update={"costs": settings.costs.model_copy(update={"maker_fee_bps": 7.5})})
        assert VenueChecks(assumed).fees() == "maker 7.5 bps, taker 0 bps, as assumed"


def test_an_account_that_cannot_pay_for_the_least_order_is_told_so(tmp_path: Path) -> None:
    poor = account(tmp_path, "--base", "0.00001", "--quote", "4")
    with poor as settings, pytest.raises(Failed, match="neither side is worth the least notional 5"):
        VenueChecks(settings).balances(None)
    with account(tmp_path, "--base", "0", "--quote", "100") as settings:
        with pytest.raises(doctor.Notice, match="not enough for asks"):
            VenueChecks(settings).balances(None)
        small = close_quotes(INSTRUMENT, version=3, order_qty=0.00002)
        with pytest.raises(Failed, match=r"orders of version 3 are worth 1\.\d+, the least notional is 5"):
            VenueChecks(settings).balances(small)


def test_a_futures_account_is_examined_in_its_own_words(tmp_path: Path) -> None:
    sizes = ("--lot-size", "0.001", "--tick-size", "0.1", "--taker-fee-bps", "5")
    with account(tmp_path, *sizes, symbol=FUTURES) as settings:
        checks = VenueChecks(settings)
        assert checks.key().startswith("may trade, may not withdraw")
        with pytest.raises(Failed, match=r"costs\.taker_fee_bps assumes 0"):
            checks.fees()
        with pytest.raises(doctor.Notice, match=r"^0 BTC, 5000 USDT, 0 open orders: not enough for asks"):
            checks.balances(None)
        assert "tick 0.1, lot 0.001" in checks.filters()
        assert "answers in" in doctor.reachable(settings)


@pytest.mark.parametrize(
    ("name", "table", "real"),
    [
        ("paper", None, False),
        ("paper-live", None, False),
        ("testnet", None, False),
        ("live", None, True),
        ("desk", BINANCE, True),
        ("desk", TESTNET, False),
        ("desk", Venue(rest_url="http://127.0.0.1:9000"), False),
        ("desk", Venue(rest_url="http://127.0.0.1.example.com"), True),
        ("desk", Venue(), True),
        ("live", Venue(rest_url="http://127.0.0.1:9000"), True),
    ],
)
def test_whatever_is_not_known_to_be_play_money_is_real(name: str, table: Venue | None, real: bool) -> None:
    settings = Settings.model_validate({"venue": name, "venues": {} if table is None else {name: table}})
    assert clearance.is_real(settings) is real
