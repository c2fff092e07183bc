import threading

import orjson
import polars as pl
import pytest

from analytics.registry.audit import audit_writer
from analytics.registry.registry import Registry
from strategy.errors import BadInput, Failed
from strategy.live.layout import Layout
from tests.unit.registry_documents import document_with

PLACE = ("paper", "BTC/FDUSD")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One database for the module; every test uses its own symbol's aliases through `place`."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def registry(store):
    registry = Registry(store)
    for alias in registry.aliases(*PLACE):
        registry.point(*PLACE, alias, None)
    return registry


def register(registry: Registry, refresh_s: float) -> int:
    return registry.register(document_with(refresh_s), None, f"refresh {refresh_s}", {"edge_bps": "1.5"}).version


def yes(document) -> str:
    return f"acknowledged {document.version}"


def no(document) -> str:
    raise Failed("the live process refused")


def promote(registry, version, acknowledge=yes, audit=lambda record: None, reason="better"):
    return registry.promote(*PLACE, version, reason=reason, who="ann", acknowledge=acknowledge, audit=audit)


def rollback(registry, acknowledge=yes, audit=lambda record: None):
    return registry.rollback(*PLACE, reason="worse", who="ann", acknowledge=acknowledge, audit=audit)


def test_a_registered_document_comes_back_equal_and_numbered(registry, store):
    original = document_with(11.0)
    stored = registry.register(original, None, "first", {})
    fresh = Registry(store).document(*PLACE, stored.version)
    assert fresh == stored
    assert fresh.parameters == original.parameters
    assert fresh.content_hash == original.content_hash
    assert registry.aliases(*PLACE) == {"challenger": stored.version}


def test_a_version_shows_its_text_and_the_plots_of_its_study(registry, tmp_path):
    version = register(registry, 4.0)
    assert registry.plots("paper", "BTC/FDUSD", version) == []
    run = registry.client.create_run(registry.experiment("paper", "BTC/FDUSD")).info.run_id
    (tmp_path / "equity_by_fold.png").write_bytes(b"picture")
    registry.client.log_artifacts(run, str(tmp_path), "plots")
    document = registry.register(document_with(4.5), run, "# What it is", {})
    place = ("paper", "BTC/FDUSD", document.version)
    assert registry.plots(*place) == [("equity_by_fold", "data:image/png;base64,cGljdHVyZQ==")]
    assert registry.description(*place) == "# What it is"


def test_the_artifact_itself_carries_the_version_number(registry):
    version = register(registry, 12.0)
    model = registry.client.get_logged_model(registry.model_id(*PLACE, version))
    path = model.artifact_location.removeprefix("file://") + "/params.json"
    with open(path, "rb") as file:
        assert orjson.loads(file.read())["version"] == version


def test_promote_without_a_number_takes_the_challenger(registry):
    first, second = register(registry, 1.0), register(registry, 2.0)
    assert promote(registry, first).from_version is None
    done = promote(registry, None)
    assert (done.from_version, done.to_version, done.changed) == (first, second, True)
    assert registry.aliases(*PLACE) == {"champion": second, "previous": first}
    assert registry.champion(*PLACE).version == second


def test_promote_again_changes_nothing_and_says_so(registry):
    first, second = register(registry, 1.0), register(registry, 2.0)
    promote(registry, first)
    promote(registry, second)
    again = promote(registry, second)
    assert not again.changed
    assert again.outcome.startswith("already champion")
    assert registry.aliases(*PLACE)["previous"] == first


def test_rollback_returns_to_the_previous_champion_and_forth(registry):
    first, second = register(registry, 1.0), register(registry, 2.0)
    promote(registry, first)
    promote(registry, second)
    assert rollback(registry).to_version == first
    assert registry.aliases(*PLACE)["champion"] == first
    assert rollback(registry).to_version == second


def test_a_refused_promotion_puts_every_alias_back_and_is_audited(registry):
    first, second = register(registry, 1.0), register(registry, 2.0)
    promote(registry, first)
    before = registry.aliases(*PLACE)
    records = []
    with pytest.raises(Failed, match="refused"):
        promote(registry, second, acknowledge=no, audit=records.append)
    assert registry.aliases(*PLACE) == before
    assert [(r["what"], r["from_version"], r["to_version"]) for r in records] == [("refused", first, second)]


def test_an_interrupt_while_waiting_puts_the_alias_back(registry):
    first, second = register(registry, 1.0), register(registry, 2.0)
    promote(registry, first)

    def interrupted(document):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        promote(registry, second, acknowledge=interrupted)
    assert registry.champion(*PLACE).version == first


def test_the_first_promotion_refused_leaves_no_champion(registry):
    with pytest.raises(Failed):
        promote(registry, register(registry, 1.0), acknowledge=no)
    assert registry.champion(*PLACE) is None


def test_a_champion_moved_by_another_meanwhile_is_not_overwritten(registry):
    first, second, third = (register(registry, float(i)) for i in (1, 2, 3))
    promote(registry, first)

    def moved(document):
        registry.point(*PLACE, "champion", third)
        return "ok"

    with pytest.raises(Failed, match=f"became version {third}"):
        promote(registry, second, acknowledge=moved)
    assert registry.aliases(*PLACE)["champion"] == third


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda r: promote(r, 999), "has no version 999"),
        (lambda r: promote(r, None), "has no challenger"),
        (lambda r: rollback(r), "has no previous"),
        (lambda r: promote(r, 1, reason=" "), "reason was empty"),
        (lambda r: r.document("paper", "ETH/BTC", 1), "paper ETH/BTC has no version 1"),
    ],
)
def test_bad_requests_are_one_line_of_bad_input(registry, call, said):
    with pytest.raises(BadInput, match=said) as caught:
        call(registry)
    assert "\n" not in str(caught.value)


def test_racing_promotions_leave_one_consistent_history(store, registry):
    versions = [register(registry, float(i)) for i in range(1, 5)]
    records = []
    lock = threading.Lock()

    def audit(record):
        with lock:
            records.append(record)

    threads = [threading.Thread(target=promote, args=(Registry(store), v), kwargs={"audit": audit}) for v in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chain = [record["from_version"] for record in records]
    assert chain == [None, *[record["to_version"] for record in records[:-1]]]
    assert registry.aliases(*PLACE)["champion"] == records[-1]["to_version"]
    assert registry.aliases(*PLACE)["previous"] == records[-2]["to_version"]


def test_versions_table_tells_aliases_edge_and_the_last_move(registry):
    version = register(registry, 1.0)
    promote(registry, version, reason="quieter market")
    row = registry.versions(*PLACE).row(0, named=True)
    assert (row["version"], row["aliases"], row["edge_bps"]) == (version, "champion", 1.5)
    assert (row["moved"], row["who"], row["why"]) == ("promote", "ann", "quieter market")
    assert registry.versions("paper", "ETH/BTC").is_empty()
    assert registry.versions("paper", "ETH/BTC").schema["created"] == pl.Datetime("ms", "UTC")


def test_audit_lines_are_appended_with_their_time(tmp_path):
    write = audit_writer(Layout(tmp_path), clock=lambda: 42)
    write({"what": "promote"})
    write({"what": "rollback"})
    (file,) = (tmp_path / "audit").iterdir()
    assert file.name == "parameter_events_42.log"
    assert file.read_bytes().splitlines() == [b'42 {"what":"promote"}', b'42 {"what":"rollback"}']


def test_a_relative_database_is_bad_input():
    with pytest.raises(BadInput, match="relative"):
        Registry("sqlite:///mlflow.db")


def test_a_server_that_is_down_is_one_line_and_not_minutes(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(Failed, match="refused") as caught:
        Registry("http://127.0.0.1:9").champion(*PLACE)
    assert "\n" not in str(caught.value)
