"""Which versions are wanted in the shadow, and what is assumed of the venue that they trade on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from analytics.registry.registry import Registry
from flows import rooms
from flows.settings import Settings, load_settings
from flows.shadow import assume, challengers
from strategy.errors import BadInput
from strategy.live.simulation.assumptions import read_assumptions
from tests.unit.registry_documents import INSTRUMENT, document_with

pytestmark = pytest.mark.slow

PLACE = (INSTRUMENT.venue, INSTRUMENT.symbol)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    return load_settings(venue=PLACE[0], symbol=PLACE[1])


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Three versions: 1 is the champion, 3 the challenger."""
    found = Registry(f"sqlite:///{tmp_path_factory.mktemp('home')}/mlflow.db")
    for refresh_s in (10.0, 20.0, 30.0):
        found.register(document_with(refresh_s), None, "test", {})
    found.point(*PLACE, "champion", 1)
    return found


def versions(wanted: Callable[[], object]) -> list[int]:
    return [document.version for document in wanted()]  # type: ignore[attr-defined]


def test_the_challenger_is_wanted_as_long_as_it_is_one(registry: Registry, settings: Settings) -> None:
    wanted = challengers(registry, settings, [])
    assert versions(wanted) == [3]
    registry.point(*PLACE, "challenger", 2)
    assert versions(wanted) == [2]
    registry.point(*PLACE, "challenger", None)
    assert versions(wanted) == []
    registry.point(*PLACE, "challenger", 1)  # the champion is no shadow of itself
    assert versions(wanted) == []
    registry.point(*PLACE, "challenger", 3)


def test_named_versions_stand_in_its_place(registry: Registry, settings: Settings) -> None:
    assert versions(challengers(registry, settings, [2, 1, 2])) == [2]
    with pytest.raises(BadInput, match="has no version 9"):
        challengers(registry, settings, [2, 9])


def test_what_is_assumed_stands_in_the_live_folder(settings: Settings) -> None:
    costs = settings.costs.model_copy(update={"maker_fee_bps": 1.5, "latency": "3,40", "queue_model": "log"})
    chosen = settings.model_copy(update={"costs": costs})
    said = assume(chosen)
    assert read_assumptions(chosen.layout.live(*PLACE)) == said
    assert (said.entry_ns, said.response_ns) == ((3_000_000,), (40_000_000,))
    assert (said.maker_fee_bps, said.queue_model, said.base, said.quote) == (1.5, "log", 0.05, 5_000.0)


def test_latencies_that_nobody_recorded_do_not_keep_from_quoting(settings: Settings) -> None:
    costs = settings.costs.model_copy(update={"latency": "recorded", "fill_model": "latest"})
    said = assume(settings.model_copy(update={"costs": costs}))
    assert (said.entry_ns, said.response_ns) == ((10_000_000,), (10_000_000,))


def test_paper_live_is_given_no_key_and_real_addresses(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROVOL_PAPER-LIVE_API_KEY", "somebody's")
    monkeypatch.setenv("MICROVOL_PAPER-LIVE_API_SECRET", "somebody's")
    venue = rooms.venue(load_settings(venue="paper-live"), trading=True)
    assert (venue.is_simulated, venue.api_key.get_secret_value(), venue.secret.get_secret_value()) == (True, "", "")
    assert venue.rest_url == "https://api.binance.com"
