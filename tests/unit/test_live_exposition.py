import socket
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
import structlog

from strategy.kernel.records import REJECT, REJECT_FILTER, REJECT_POST_ONLY
from strategy.live import exposition
from strategy.live.doors import LiveStatus
from strategy.live.exposition import PORTS, Gauges, MetricsServer
from strategy.live.meters import Meters
from strategy.policies.stepper import new_event


def status(**fields: object) -> LiveStatus:
    given = {"pid": 1, "session": "s", "venue": "paper", "symbol": "BTC/FDUSD", "started_ns": 1, "kernel_digest": "k"}
    return LiveStatus.model_validate({**given, "heartbeat_ns": time.time_ns(), "state": "quoting", **fields})


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port on which somebody else listens."""
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_is_taken_gives_way_to_the_next_that_is_free(taken: int) -> None:
    server = MetricsServer(Gauges(lambda: None, lambda: None), "127.0.0.1", taken)
    try:
        assert server.url is not None
        assert taken < int(server.url.rpartition(":")[2].partition("/")[0]) < taken + PORTS
        assert httpx.get(server.url, trust_env=False).status_code == 200
    finally:
        server.close()


def test_no_port_to_be_had_is_one_warning_and_nothing_else(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "PORTS", 1)
    with structlog.testing.capture_logs() as said:
        server = MetricsServer(Gauges(lambda: None, lambda: None), "127.0.0.1", taken)
    assert server.url is None
    server.close()
    assert [(line["log_level"], line["event"], line["port"]) for line in said] == [
        ("warning", "no metrics, quoting goes on", taken)
    ]


def test_an_address_that_is_none_is_a_warning_too() -> None:
    assert MetricsServer(Gauges(lambda: None, lambda: None), "192.0.2.1", 9464).url is None


def test_before_the_first_status_there_is_nothing_and_then_what_is_known() -> None:
    last: list[LiveStatus | None] = [None]
    server = MetricsServer(Gauges(lambda: last[0], lambda: None), "127.0.0.1", 0)
    try:
        assert httpx.get(server.url, trust_env=False).text == ""
        last[0] = status(state="starting")
        text = httpx.get(server.url, trust_env=False).text
        assert 'microvol_state{state="starting",symbol="BTC/FDUSD",venue="paper"} 1.0' in text
        assert "microvol_sigma{" not in text
        last[0] = status(version=7, sigma=1e-5, regime="low")
        text = httpx.get(server.url, trust_env=False).text
        assert 'microvol_sigma{regime="low",symbol="BTC/FDUSD",venue="paper",version="7"} 1e-05' in text
        last[0] = status(version=8, sigma=2e-5, regime="high")
        assert (
            'version="7"' not in httpx.get(server.url, trust_env=False).text
        )  # of a version that is gone nothing stays
    finally:
        server.close()


def test_refusals_are_counted_by_kind() -> None:
    meters = Meters("paper", "BTC/FDUSD", 1e-7)
    for code in (REJECT_POST_ONLY, REJECT_POST_ONLY, REJECT_FILTER, 9):
        meters.fed(new_event(REJECT, code=code), version=3)
    (errors,) = [family for family in meters.collect() if family.name == "microvol_order_errors"]
    found = {
        sample.labels["kind"]: sample.value for sample in errors.samples if sample.name == "microvol_order_errors_total"
    }
    assert found == {"post_only": 2, "filter": 1, "other": 1}
