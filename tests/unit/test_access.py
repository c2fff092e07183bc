"""Who may reach the servers."""

import stat

import pytest

from flows import access, servers
from flows.settings import load_settings
from strategy.errors import BadInput

GOOD = "nina:correct-horse-battery"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_loopback_needs_no_password(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(access.VARIABLE, raising=False)
    access.check_host(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_beyond_loopback_a_password_is_needed(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(access.VARIABLE, raising=False)
    with pytest.raises(BadInput, match=f"--host was {host}: beyond loopback set MICROVOL_AUTH"):
        access.check_host(host)
    monkeypatch.setenv(access.VARIABLE, GOOD)
    access.check_host(host)


def test_an_address_that_our_own_clients_would_miss_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(access.VARIABLE, GOOD)
    with pytest.raises(BadInput, match=r"--host was 10\.0\.0\.7"):
        access.check_host("10.0.0.7")


@pytest.mark.parametrize("given", ["nina", ":correct-horse-battery", "nina:short"])
def test_a_password_that_keeps_nobody_out_is_refused_and_not_repeated(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(access.VARIABLE, given)
    with pytest.raises(BadInput) as caught:
        access.basic_auth()
    assert given not in str(caught.value)


def test_with_a_password_both_servers_ask_for_it_and_clients_have_it(command_home, monkeypatch) -> None:
    monkeypatch.setenv(access.VARIABLE, GOOD)
    settings = load_settings()
    command, env = servers.server(settings, "mlflow", "0.0.0.0")
    assert command[command.index("--app-name") + 1] == "basic-auth"
    assert (env["MLFLOW_AUTH_ADMIN_USERNAME"], env["MLFLOW_AUTH_ADMIN_PASSWORD"]) == tuple(GOOD.split(":"))
    assert GOOD not in " ".join(command)
    file = command_home / "mlflow" / "auth.ini"
    assert {stat.S_IMODE(each.stat().st_mode) for each in (file, file.with_name("users.db"))} == {0o600}
    assert "correct" not in file.read_text()
    _, env = servers.server(settings, "prefect", "0.0.0.0")
    assert env["PREFECT_SERVER_API_AUTH_STRING"] == env["PREFECT_API_AUTH_STRING"] == GOOD
    _, env = servers.server(settings, "worker", "0.0.0.0")
    assert (env["PREFECT_API_AUTH_STRING"], env["MLFLOW_TRACKING_USERNAME"]) == (GOOD, "nina")


def test_without_a_password_no_server_asks_for_one(command_home, monkeypatch) -> None:
    monkeypatch.delenv(access.VARIABLE, raising=False)
    command, env = servers.server(load_settings(), "mlflow", "127.0.0.1")
    assert "--app-name" not in command
    assert "--allowed-hosts" not in command
    assert not [name for name in env if "AUTH" in name]
