"""By which door a champion is moved: MLflow's REST API where it is a server that asks for no more than our password."""

from pathlib import Path

import pytest

from analytics.registry.rest import RestRegistry
from flows import rooms
from flows.settings import Settings, load_settings

SERVER = "http://127.0.0.1:9"
ELSEWHERE = object()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("MLFLOW_TRACKING_USERNAME", *rooms.OTHER_KEYS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_TRACKING_URI", SERVER)
    monkeypatch.setattr(rooms, "registry", lambda settings: ELSEWHERE)
    return load_settings()


def test_a_server_is_asked_without_mlflow(settings: Settings) -> None:
    assert isinstance(rooms.moves(settings), RestRegistry)


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_INSECURE_TLS"])
def test_whoever_has_other_keys_goes_through_mlflow(
    settings: Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "true")
    assert rooms.moves(settings) is ELSEWHERE


def test_our_own_password_is_no_other_key(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROVOL_AUTH", "ann:a-long-password")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")  # as client_env has it
    assert isinstance(rooms.moves(settings), RestRegistry)


def test_a_database_is_opened_by_mlflow(settings: Settings, tmp_path: Path) -> None:
    file = settings.model_copy(update={"tracking_uri": f"sqlite:///{tmp_path}/mlflow.db"})
    assert rooms.moves(file) is ELSEWHERE
