"""A replay's files as other tools read them: exact, named, and the same in polars and DuckDB."""

import io
import json
from decimal import Decimal

import duckdb
import numpy as np
import polars as pl
import pytest

from analytics.report.replay_tables import Scale, decisions, samples, tables
from analytics.report.replayed import PLOT, SUMMARY, Replayed, write_replay
from strategy.errors import BadInput, Failed
from strategy.kernel.records import BUY, DECISION, R_LOCKOUT, R_WARMUP, SELL
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.rows import SAMPLE_ROW
from strategy.replay.synthetic import synthetic_info
from tests.unit.kernel_samples import MS, START, parameter_set
from tests.unit.tape_samples import MID, QUOTED_ASK, QUOTED_BID, TapeMaker

SCALE = Scale(Decimal("0.05"), Decimal("0.001"))


@pytest.fixture(scope="module")
def done() -> Replayed:
    """A bid that is filled in full, by a sell through it, and an ask that is not."""
    maker = TapeMaker().ladder(0).ladder(100)
    for ms in range(200, 3_000, 100):
        maker.update(ms, (BUY, MID - 1, 10 + ms))
    maker.trade(1_000, SELL, QUOTED_BID - 5, 3)
    tape = maker.tape()
    info = synthetic_info(tape)
    parameters = parameter_set(quoting={"buy_spreads": [1], "sell_spreads": [1]})
    config = ReplayConfig(base=0.01, quote=1_000.0, record_decisions=True)
    result = replay(tape, info, parameters, config)
    return Replayed("a bid filled", parameters, config, tape, info, result)


def test_prices_and_quantities_are_exact_decimals_however_large():
    assert SCALE.price(np.array([1, 123_456_789_012_345])).to_list() == [Decimal("0.05"), Decimal("6172839450617.25")]
    assert SCALE.quantity(np.array([2**53 + 1])).to_list() == [Decimal("9007199254740.993")]
    assert Scale(Decimal("1E-8"), Decimal(10)).quantity(np.array([7])).to_list() == [Decimal(70)]
    assert Scale(Decimal("1E-8"), Decimal(10)).price(np.array([7])).to_list() == [Decimal("7E-8")]


def test_a_mid_is_exact_to_half_a_tick_and_null_where_unknown():
    assert SCALE.mid(np.array([101.5, np.nan, 0.0])).to_list() == [Decimal("5.075"), None, None]


def test_holdings_are_the_nearest_floats():
    assert SCALE.base(np.array([10.0, 3.0])).tolist() == [0.01, 0.003]
    assert SCALE.quote(np.array([20_000.0])).tolist() == [1.0]


def test_a_decision_names_its_reasons_and_lists_its_quotes_by_level():
    rows = np.zeros(2, DECISION)
    rows["local_ts"] = 1_700_000_000_123_456_789
    rows["mid_ticks"], rows["reference_ticks"], rows["sigma"] = 101.5, np.nan, [0.5, np.nan]
    rows["reasons"] = [R_WARMUP | R_LOCKOUT, 0]
    rows["kill"] = [0, 2]
    rows["want_bid_ticks"][0, :3], rows["want_bid_lots"][0, :3] = (100, 0, 98), (5, 0, 7)
    found = decisions(rows, SCALE)
    assert found["reasons"].to_list() == [["warmup", "lockout"], []]
    assert found["killed"].to_list() == [None, "panic"]
    assert found["want_bid_prices"].to_list() == [[Decimal("5.00"), None, Decimal("4.90")], [None] * 3]
    assert found["want_bid_quantities"].to_list()[0] == [Decimal("0.005"), None, Decimal("0.007")]
    assert found["sigma"].to_list() == [0.5, None]
    assert found["reference"].to_list() == [None, None]
    assert found["local_ts"].dt.timestamp("ns").to_list() == [1_700_000_000_123_456_789] * 2


def test_a_sample_without_a_mid_has_no_worth():
    rows = np.zeros(2, SAMPLE_ROW)
    rows["mid_ticks"], rows["base_lots"], rows["quote_atoms"] = [100.0, np.nan], 10.0, 20_000.0
    found = samples(rows, SCALE)
    assert found["equity"].to_list() == [1.0 + 0.01 * 5.0, None]
    assert found["mid"].to_list() == [Decimal("5.000"), None]


def test_the_tables_say_what_happened_in_words(done):
    found = tables(done.result, done.info)
    tick, lot = Decimal(done.info.tick_size), Decimal(done.info.lot_size)
    (fill,) = found["fills"].to_dicts()
    assert (fill["side"], fill["purpose"], fill["liquidity"], fill["level"]) == ("buy", "entry", "maker", 0)
    assert fill["price"] == QUOTED_BID * tick
    assert fill["quantity"] == int(done.result.fills["qty_lots"][0]) * lot
    assert found["fills"]["exch_ts"].dt.timestamp("ns").to_list() == [START + 1_000 * MS]
    orders = found["orders"].filter(pl.col("order_id") <= 2).sort("side")
    assert orders["outcome"].to_list() == ["filled", "open"]
    assert orders["price"].to_list() == [QUOTED_BID * tick, QUOTED_ASK * tick]
    assert orders["filled_quantity"].to_list() == [fill["quantity"], 0]
    assert found["samples"]["base"].to_list()[0] == 0.01
    assert found["samples"]["base"].to_list()[-1] == float(Decimal("0.01") + fill["quantity"])


def test_polars_and_duckdb_read_back_what_was_written(done, tmp_path):
    rows = write_replay(done, tmp_path / "out")
    wanted = tables(done.result, done.info)
    assert {name.removesuffix(".parquet"): count for name, count in rows.items() if count is not None} == {
        name: len(table) for name, table in wanted.items()
    }
    assert len(wanted["decisions"]) > 1
    for name, table in wanted.items():
        file = tmp_path / "out" / f"{name}.parquet"
        assert pl.read_parquet(file).equals(table)
        assert duckdb.sql(f"select * from '{file}'").pl().cast(table.schema).equals(table), name
    said = pl.read_parquet_metadata(tmp_path / "out" / "fills.parquet")
    assert (said["tick_size"], said["symbol"]) == (done.info.tick_size, done.info.symbol)


def test_the_summary_can_be_replayed_again(done, tmp_path):
    write_replay(done, tmp_path)
    said = json.loads((tmp_path / SUMMARY).read_text())
    assert type(done.parameters).model_validate(said["parameters"]) == done.parameters
    assert said["config"]["base"] == 0.01
    assert said["window_ns"] == list(done.window)
    assert said["metrics"]["all"]["fills"] == 1
    assert said["metrics"]["all"]["edge_bps"] is None
    assert (tmp_path / PLOT).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_writing_again_replaces_and_leaves_nothing_else(done, tmp_path):
    before = write_replay(done, tmp_path)
    (tmp_path / "fills.parquet").write_bytes(b"old")
    assert write_replay(done, tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(before)
    assert len(pl.read_parquet(io.BytesIO((tmp_path / "fills.parquet").read_bytes()))) == 1


def test_a_place_that_cannot_be_written_is_one_line(done, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadInput, match="is a file, a folder is wanted"):
        write_replay(done, tmp_path / "file")
    with pytest.raises(Failed, match="cannot be written: Not a directory"):
        write_replay(done, tmp_path / "file" / "inside")


def test_a_window_without_any_event_is_written_too(done, tmp_path):
    config = ReplayConfig(start_ns=done.info.end_ns + 5, end_ns=done.info.end_ns + 6, record_decisions=True)
    result = replay(done.tape, done.info, done.parameters, config)
    rows = write_replay(Replayed("nothing", done.parameters, config, done.tape, done.info, result), tmp_path)
    assert {count for count in rows.values() if count is not None} == {0}
