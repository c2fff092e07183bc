"""Settings: who wins, and how a wrong value is said."""

from pathlib import Path

import pytest

from flows.settings import ROOT, credentials, load_settings
from strategy.errors import BadInput


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "microvol.toml"
    path.write_text("")
    monkeypatch.setenv("MICROVOL_CONFIG", str(path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return path


def test_defaults_are_the_paper_venue_on_this_machine(file: Path) -> None:
    settings = load_settings()
    assert (settings.venue, settings.symbol, settings.home) == ("paper", "BTC/FDUSD", ROOT / "var")
    assert settings.venue_table("paper").rest_url == "http://127.0.0.1:8780"
    assert settings.mlflow_store == f"sqlite:///{ROOT}/var/mlflow/mlflow.db"


def test_environment_wins_over_file_and_arguments_over_both(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('symbol = "ETH/USDT"\nvenue = "testnet"\n[calibrate]\ntrials = 11\nseed = 3\n')
    monkeypatch.setenv("MICROVOL_CALIBRATE__TRIALS", "12")
    monkeypatch.setenv("MICROVOL_VENUE", "live")
    settings = load_settings(venue="paper", symbol=None)
    assert (settings.venue, settings.symbol) == ("paper", "ETH/USDT")
    assert (settings.calibrate.trials, settings.calibrate.seed) == (12, 3)


def test_paper_addresses_follow_the_port_and_a_table_replaces_a_venue(file: Path) -> None:
    file.write_text('[ports]\npaper = 9100\n[venues.desk]\nrest_url = "http://10.0.0.1:80"\ntrading = false\n')
    settings = load_settings()
    assert settings.venue_table("paper").stream_url == "ws://127.0.0.1:9100/stream"
    assert settings.venue_table("desk").trading is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[ports]\nprefect = 99999\n", "settings: ports.prefect was 99999: input should be less than 65536"),
        ('symbol = "btcusdt"\n', "settings: symbol was 'btcusdt'"),
        ("[calibrate]\ntrials = 0\n", "settings: calibrate.trials was 0"),
        (
            "[calibrate.search]\nspread_bps = [9.0, 3.0]\n",
            "settings: calibrate.search was {'spread_bps': [9.0, 3.0]}: spread_bps was 9.0 to 3.0, it must ascend",
        ),
        ("[calibrate.search]\nparameters = []\n", "settings: calibrate.search.parameters was []"),
        ("[calibrate.search]\ntrials = 5\n", "settings: calibrate.search.trials is not a setting"),
        ("tirals = 5\n", "settings: tirals is not a setting"),
        ('[venues.paper]\nsecret = "s3cret"\n', "settings: venues.paper.secret is not a setting"),
        ("symbol = \n", "cannot be read"),
    ],
)
def test_a_wrong_value_is_one_line_naming_field_and_value(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(BadInput) as caught:
        load_settings()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_named_file_that_does_not_exist_is_bad_input(file: Path) -> None:
    file.unlink()
    with pytest.raises(BadInput, match="which does not exist"):
        load_settings()


def test_an_unknown_venue_lists_the_known_ones(file: Path) -> None:
    with pytest.raises(BadInput, match="'nowhere' is unknown, known are binance, live, paper, paper-live, testnet"):
        load_settings().venue_table("nowhere")


def test_keys_come_from_the_environment_and_only_paper_has_public_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MICROVOL_TESTNET_API_KEY", raising=False)
    assert credentials("paper") == ("paper", "paper-secret")
    assert credentials("testnet") == ("", "")
    monkeypatch.setenv("MICROVOL_TESTNET_API_KEY", "k")
    monkeypatch.setenv("MICROVOL_TESTNET_API_SECRET", "s")
    assert credentials("testnet") == ("k", "s")


def test_what_a_study_searches_is_a_table_of_the_file(file: Path) -> None:
    file.write_text(
        '[calibrate.search]\nparameters = ["inventory.*", "quoting.cooldown_time"]\n'
        '[calibrate.search.ranges]\n"quoting.cooldown_time" = [0, 9]\n'
    )
    search = load_settings().calibrate.search
    assert search.parameters == ("inventory.*", "quoting.cooldown_time")
    assert search.ranges == {"quoting.cooldown_time": (0.0, 9.0)}
    assert search.curve_points == 4
