"""The snapshots that care must keep, read from a real registry."""

import pytest

from analytics.care.named_snapshots import named_snapshots
from analytics.registry.registry import Registry
from strategy.errors import Failed
from strategy.policies.document import ParameterDocument
from tests.unit.registry_documents import document_with


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    return Registry(f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db")


def calibrated(snapshot: int | None, symbol: str = "BTC/FDUSD") -> ParameterDocument:
    document = document_with(11.0)
    provenance = document.provenance.model_copy(update={"lake_snapshot": snapshot})
    instrument = document.instrument.model_copy(update={"symbol": symbol})
    return document.model_copy(update={"provenance": provenance, "instrument": instrument})


def test_every_version_of_every_symbol_names_its_snapshot_and_one_made_by_hand_none(registry):
    assert named_snapshots(registry) == frozenset()
    for document in (calibrated(41), calibrated(None), calibrated(57, "ETH/FDUSD"), calibrated(57)):
        registry.register(document, None, "", {})
    assert named_snapshots(registry) == {41, 57}


def test_a_version_that_cannot_be_read_is_an_error_so_that_nothing_it_needs_is_lost(registry):
    numbered = registry.register(calibrated(99), None, "", {})
    model = registry.client.get_logged_model(registry.model_id("paper", "BTC/FDUSD", numbered.version))
    path = model.artifact_location.removeprefix("file://") + "/params.json"
    with open(path, "w") as file:
        file.write('{"provenance": {}}')
    with pytest.raises(Failed, match=rf"version {numbered.version} does not say .*nothing is expired"):
        named_snapshots(registry)
