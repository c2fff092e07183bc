"""`microvol quote` with several markets: what is refused, and what the process under the supervisor is told."""

import os
from pathlib import Path

import pytest

from flows import rooms
from flows.cli import run
from flows.processes import records
from strategy.errors import BadInput
from strategy.live.command import also, keys, markets, refuse_shared_assets, take_also, venue_parser
from strategy.live.supervisor import Supervisor
from strategy.policies.document import ParameterDocument
from strategy.policies.parameters import ParameterSet
from strategy.venues.settings import VenueConfig, paper_venue
from tests.unit.fake_broker import INSTRUMENT

DESK = """
[venues.desk]
rest_url = "http://127.0.0.1:9"
stream_url = "ws://127.0.0.1:9/stream"
ws_api_url = "ws://127.0.0.1:9/ws-api/v3"
"""


class Registry:
    """Champions by symbol."""

    def champion(self, venue: str, symbol: str) -> ParameterDocument | None:
        version = {"BTC/FDUSD": 3, "ETH/USDT": 4}.get(symbol)
        instrument = INSTRUMENT.model_copy(update={"venue": venue, "symbol": symbol})
        given = {"instrument": instrument, "parameters": ParameterSet(), "kernel_digest": "k"}
        return None if version is None else ParameterDocument(version=version, **given)


@pytest.fixture
def home(command_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = command_home / "microvol.toml"
    file.write_text(DESK)
    monkeypatch.setenv("MICROVOL_CONFIG", str(file))
    monkeypatch.setenv("MICROVOL_DESK_API_KEY", "desk-key")
    monkeypatch.setenv("MICROVOL_DESK_API_SECRET", "desk-secret")
    monkeypatch.setattr(rooms, "registry", lambda settings: Registry())
    return command_home


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Supervisor]:
    found: list[Supervisor] = []

    def running(supervisor: Supervisor) -> int:
        found.append(supervisor)
        return 0

    monkeypatch.setattr(Supervisor, "run", running)
    return found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["BTC/FDUSD", "ETH/FDUSD"], "BTC/FDUSD and ETH/FDUSD share the FDUSD of one account on paper"),
        (["BTC/FDUSD", "paper:BTC/FDUSD"], "BTC/FDUSD at paper is named twice"),
        (["BTC/FDUSD", "btc"], "symbol was 'btc'"),
    ],
)
def test_markets_that_cannot_be_quoted_together_are_bad_input(
    home: Path, ran: list[Supervisor], options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["quote", *(part for each in options for part in ("--symbol", each))]) == 2
    assert said in capsys.readouterr().err
    assert ran == []


def test_versions_in_the_shadow_are_of_one_market(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quote", "--symbol", "BTC/FDUSD", "--symbol", "desk:ETH/USDT", "--shadow", "2"]) == 2
    assert "--shadow names versions of one market, and 2 are quoted" in capsys.readouterr().err


def test_every_market_needs_a_champion(home: Path, ran: list[Supervisor], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quote", "--symbol", "BTC/FDUSD", "--symbol", "desk:SOL/USDT"]) == 1
    assert "SOL/USDT on desk has no champion" in capsys.readouterr().err
    assert ran == []


def test_several_markets_are_one_child_with_the_keys_of_each(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held: list[set[str]] = []
    found: list[VenueConfig] = []

    def running(supervisor: Supervisor) -> int:
        held.append(set(records(home)))
        command = supervisor._watch.command()
        for name, value in keys(supervisor._watch.venues).items():
            monkeypatch.setenv(name, value)
        parser = venue_parser("x", "x")
        take_also(parser)
        found.extend(markets(parser.parse_known_args(command[3:])[0]))
        assert "desk-secret" not in " ".join(command)
        return 0

    monkeypatch.setattr(Supervisor, "run", running)
    assert run(["quote", "--symbol", "BTC/FDUSD", "--symbol", "desk:ETH/USDT"]) == 0
    assert held == [{"quote-paper-BTC-FDUSD", "quote-desk-ETH-USDT"}]
    assert records(home) == {}
    assert [(each.name, each.symbol, each.api_key.get_secret_value()) for each in found] == [
        ("paper", "BTC/FDUSD", "paper"),
        ("desk", "ETH/USDT", "desk-key"),
    ]
    assert found[1].secret.get_secret_value() == "desk-secret"
    assert "desk ETH/USDT" in capsys.readouterr().out


def test_markets_share_an_asset_only_within_one_account() -> None:
    one, other = paper_venue("http://127.0.0.1:1", "BTC/FDUSD"), paper_venue("http://127.0.0.1:2", "ETH/FDUSD")
    refuse_shared_assets([one, other])
    refuse_shared_assets([one, one.model_copy(update={"symbol": "ETH/USDT"})])
    with pytest.raises(BadInput, match=r"BTC/FDUSD and ETH/BTC share the BTC of one account on paper"):
        refuse_shared_assets([one, one.model_copy(update={"symbol": "ETH/BTC"})])


def test_a_further_market_of_the_same_venue_has_the_keys_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    first, further = paper_venue("http://127.0.0.1:1", "BTC/FDUSD"), paper_venue("http://127.0.0.1:1", "ETH/USDT")
    for name, value in first.environment().items():
        monkeypatch.setenv(name, value)
    parser = venue_parser("x", "x")
    take_also(parser)
    options = parser.parse_args(["--home", os.curdir, *first.arguments(), *also(further)])
    assert [each.api_key for each in markets(options)] == [first.api_key] * 2
