"""Documents of schema 1 go on meaning what they meant; whatever was altered, and whatever is newer, is refused."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from strategy.errors import BadParameters
from strategy.policies.document import content_hash, parse_document, read_document
from strategy.policies.migration import migrated
from strategy.policies.parameters import ParameterSet, parse_parameters

GOLDEN = Path(__file__).parent / "data" / "params-schema-1.json"  # written by a build of schema 1


def golden() -> dict[str, Any]:
    return orjson.loads(GOLDEN.read_bytes())


def parsed(content: dict[str, Any]):
    return parse_document(orjson.dumps(content), "params.json")


def test_a_document_of_schema_1_keeps_every_value_that_decides():
    found, before = read_document(GOLDEN), golden()["parameters"]
    after = found.parameters.model_dump(mode="json")
    for group in ("volatility", "spread", "inventory", "regimes", "quoting"):
        assert {name: after[group][name] for name in before[group]} == before[group]
    assert (found.version, found.instrument.symbol, found.provenance.trials) == (3, "BTC/FDUSD", 60)


def test_rules_that_schema_1_did_not_have_are_off():
    found = read_document(GOLDEN).parameters
    risk, quoting = found.risk, found.quoting
    assert (risk.lockout_seconds, risk.lockout_cancels, risk.panic_threshold) == (0.0, False, None)
    assert (risk.stale_after_seconds, risk.collar_bps, risk.min_depth_base) == (None, None, 0.0)
    assert (risk.max_orders_per_second, risk.max_orders_per_day) == (None, None)
    assert (risk.max_daily_loss_quote, risk.max_drawdown_pct, risk.panic_kill_seconds) == (None, None, None)
    assert set(found.barriers.model_dump().values()) == {None}
    assert (quoting.requote_tolerance_bps, quoting.max_concurrent_buys, quoting.vol_size_ref) == (None, None, None)
    assert quoting.position_rebalance_threshold_pct is None
    assert (found.signals, found.engine.vol_sampling_interval, found.regimes.threshold_quantiles) == ((), 0.0, None)


def test_a_migrated_document_has_a_new_hash_under_which_it_is_read_again():
    found = read_document(GOLDEN)
    assert found.parameters.schema_version == 2
    assert found.content_hash != golden()["content_hash"]
    assert parse_document(found.to_json(), "params.json") == found


@pytest.mark.parametrize("change", [{"kernel_digest": "x"}, {"content_hash": "0" * 64}, {"content_hash": ""}])
def test_an_altered_document_of_schema_1_is_refused(change):
    with pytest.raises(BadParameters, match=r"params\.json: content_hash was .*…, the content has "):
        parsed(golden() | change)


def test_an_altered_parameter_of_schema_1_is_refused():
    content = golden()
    content["parameters"]["quoting"]["cooldown_time"] = 9.0
    with pytest.raises(BadParameters, match="content_hash was b3772c513b70…"):
        parsed(content)


def test_the_version_number_may_change_it_is_the_registrys():
    assert parsed(golden() | {"version": 8}).version == 8


def test_a_future_schema_is_refused_though_its_hash_is_right():
    content = golden()
    content["parameters"]["schema_version"] = 3
    with pytest.raises(BadParameters, match="schema_version was 3, this build reads 1 and 2"):
        parsed(content | {"content_hash": content_hash(content)})


@pytest.mark.parametrize("version", [0, -1, 3, "1", True, None, 1.0])
def test_what_is_not_a_known_version_is_refused(version):
    with pytest.raises(BadParameters, match=r"schema_version was .*, this build reads 1 and 2"):
        parse_parameters({"schema_version": version})


def test_a_set_of_schema_1_cannot_carry_later_groups():
    with pytest.raises(BadParameters, match="risk stood in a set of schema_version 1, it came with 2"):
        parse_parameters({"schema_version": 1, "risk": {}})


def test_the_present_schema_comes_through_as_it_is_and_keeps_its_own_defaults():
    data = {"schema_version": 2, "quoting": {"cooldown_time": 1.0}}
    assert migrated(data) is data
    assert parse_parameters(data).risk == ParameterSet().risk
