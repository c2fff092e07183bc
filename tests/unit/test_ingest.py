from pathlib import Path

import numpy as np
import polars as pl
import pytest
import zstandard

from analytics.ingest.ingest import IngestReport, ingest
from analytics.lake.instruments import instrument
from analytics.lake.store import Lake, LakeSettings, run_checks
from strategy.kernel.records import DECISION
from strategy.live.audit_log import audit_writer
from strategy.live.layout import Layout
from tests.unit import market_lines as lines

pytestmark = pytest.mark.slow

WINDOW = {"venue": "paper", "symbol": "BTC/USDT", "start_ns": 0, "end_ns": 2**62}


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path)


@pytest.fixture
def lake(tmp_path):
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        yield lake


def segment(layout: Layout, raw: list[bytes], name: str = "0001.log") -> Path:
    return lines.write(layout.segments("paper", "BTC/USDT") / name, raw)


def compress(path: Path) -> None:
    path.with_name(path.name + ".zst").write_bytes(zstandard.ZstdCompressor().compress(path.read_bytes()))
    path.unlink()


def updates(lake: Lake) -> list[int]:
    return lake.query("queries/depth_updates", **WINDOW)["final_update_id"].to_list()


def test_a_growing_segment_is_taken_in_up_to_its_last_whole_line(lake, layout):
    whole = lines.session(updates=10)
    torn = b"".join(whole)[: -len(whole[-1]) // 2]
    path = segment(layout, [torn])
    first = ingest(lake, layout)
    assert first.lines == len(whole) - 1
    assert ingest(lake, layout) == IngestReport()
    path.write_bytes(b"".join(whole))
    assert ingest(lake, layout).market.trades == 1
    assert updates(lake) == [100, *range(102, 122, 2)]
    assert run_checks(lake) == []


def test_a_segment_compressed_meanwhile_continues_at_the_same_offset(lake, layout):
    whole = lines.session(updates=10)
    path = segment(layout, whole[:13])
    ingest(lake, layout)
    path.write_bytes(b"".join(whole))
    compress(path)
    assert ingest(lake, layout).lines == len(whole) - 13
    assert ingest(lake, layout) == IngestReport()
    assert updates(lake) == [100, *range(102, 122, 2)]
    assert lake.query("queries/gaps", **WINDOW).is_empty()


def test_the_stream_continues_over_segments_and_a_new_connection_says_why_it_broke(lake, layout):
    whole = lines.session(updates=6)
    segment(layout, whole[:9])
    segment(layout, whole[9:], "0002.log")
    segment(layout, lines.session(start=60, updates=2, first_id=500, first_trade=70), "0003.log")
    report = ingest(lake, layout)
    assert report.market.gaps == 2
    gaps = lake.query("queries/gaps", **WINDOW)
    assert gaps.select("stream", "reason").sort("stream").rows() == [("depth", "connected"), ("trade", "connected")]


def test_two_sources_of_the_same_stream_do_not_double_rows(lake, layout):
    whole = lines.session(updates=6)
    segment(layout, whole)
    late = [b"%d %b" % (int(raw[:19]) + 50, raw[20:]) for raw in whole]
    segment(layout, late, "0002.log")
    assert ingest(lake, layout).market.depth_updates == 7
    assert run_checks(lake) == []


def test_a_bad_line_is_a_problem_and_the_rest_is_taken_in(lake, layout):
    whole = lines.session(updates=4)
    path = segment(layout, [*whole[:5], b"1 {oops\n", *whole[5:]])
    report = ingest(lake, layout)
    assert report.market.depth_updates == 5
    assert report.problems[0].startswith(f"{path}, line 6: not JSON")


def test_without_known_sizes_a_segment_waits(lake, layout):
    whole = lines.session(updates=4)
    path = segment(layout, [whole[0], *whole[2:]])
    assert "no exchangeInfo" in ingest(lake, layout).problems[0]
    path.write_bytes(b"".join(whole))
    assert ingest(lake, layout).market.depth_updates == 5
    held = instrument(lake, "paper", "BTC/USDT")
    assert (held.tick_size, held.lot_size, held.min_notional) == ("0.01", "0.001", "5")


def test_a_truncated_copy_is_a_problem_and_read_again_later(lake, layout):
    path = segment(layout, lines.session(updates=300))
    data = zstandard.ZstdCompressor().compress(path.read_bytes())
    copy = path.with_name(path.name + ".zst")
    path.unlink()
    copy.write_bytes(data[: len(data) // 2])
    assert "truncated" in ingest(lake, layout).problems[0]
    copy.write_bytes(data)
    ingest(lake, layout)
    assert len(updates(lake)) == 301
    assert run_checks(lake) == []


def decision(seq: int) -> dict:
    record = np.zeros(1, DECISION)[0]
    fields = {name: record[name].tolist() for name in DECISION.names}
    want = {"want_bid_ticks": [0, 99, 0, 0, 0, 0, 0, 0]}
    return {"t": "decision", "d": {**fields, "seq": seq, "sigma": None, "regime": 3, "reasons": 1 | 1024, **want}}


SCHEMA_2 = ("kill", "positions", "reference_ticks")


def order(what: str, order_id: int = 7) -> dict:
    sizes = {"price_ticks": 9999, "qty_lots": 10}
    names = {"client_id": f"c{order_id}", "order_id": order_id, "version": 2, "side": 1, "level": 0}
    return {"t": "order", "what": what, "detail": "", **names, **sizes}


def fill(trade_id: int, lots: int) -> dict:
    money = {"fee_base_lots": 0.0, "fee_quote_atoms": 1.5, "mid_ticks": 10000.5, "quoted_mid_ticks": None}
    return {
        "t": "fill", "trade_id": trade_id, "client_id": "c7", "order_id": 7, "version": 2, "side": 1, "level": 0,
        "price_ticks": 9999, "qty_lots": lots, "quoted_regime": 2, "exch_ts": 5, **money,
    }  # fmt: skip


def head(**fields: object) -> dict:
    return {"t": "session", "session": "s1", "document": {"version": 2}, **fields}


def journal(layout: Layout, bodies: list[dict], session: str = "s1") -> Path:
    raw = [lines.line(i, body) for i, body in enumerate(bodies)]
    return lines.write(layout.journal("paper", "BTC/USDT") / f"{session}.log", raw)


def test_a_journal_becomes_decisions_orders_and_fills(lake, layout):
    bodies = [head(), decision(4), order("place"), order("ack"), fill(1, 4), order("cancelled"), fill(1, 4)]
    path = journal(layout, bodies)
    report = ingest(lake, layout)
    assert (report.decisions, report.order_events, report.fills) == (1, 3, 1)
    assert ingest(lake, layout) == IngestReport()
    made = lake.query("queries/decisions", **WINDOW).row(0, named=True)
    assert (made["session"], made["seq"], made["regime"], made["reasons"]) == ("s1", 4, "medium", "warmup|refresh")
    assert (made["sigma"], made["want_bid_ticks"]) == (None, [0, 99])
    ended = lake.query("queries/orders", **WINDOW).row(0, named=True)
    assert (ended["order_id"], ended["outcome"], ended["filled_lots"]) == (7, "cancelled", 4)
    assert lake.query("queries/fills", **WINDOW)["quoted_regime"].to_list() == ["low"]
    assert run_checks(lake) == []
    compress(path)
    journal(layout, [fill(1, 4), fill(2, 6)], "s2")
    assert ingest(lake, layout).fills == 1


def test_purpose_maker_and_kill_come_through_and_older_journals_mean_quotes_that_rested(lake, layout):
    closing = {"purpose": "stop_loss", "maker": False}
    killed = decision(9)
    killed["d"] |= {"kill": 3, "positions": 2, "reference_ticks": 10000.25}
    journal(layout, [killed, order("place") | closing, fill(1, 4) | closing], "new")
    older = {"t": "decision", "d": {k: v for k, v in decision(1)["d"].items() if k not in SCHEMA_2}}
    journal(layout, [older, order("place", 8), fill(2, 4) | {"order_id": 8}], "old")
    assert ingest(lake, layout).problems == []
    columns = {"decisions": ["session", "kill", "positions", "reference_ticks"]}
    columns |= {name: ["session", "purpose", "maker"] for name in ("orders", "order_events", "fills")}
    found = {
        name: sorted(lake.query(f"queries/{name}", **WINDOW).select(wanted).rows()) for name, wanted in columns.items()
    }
    assert found.pop("decisions") == [("new", "day loss", 2, 10000.25), ("old", "", 0, None)]
    assert all(rows == [("new", "stop_loss", False), ("old", "entry", True)] for rows in found.values())


def test_decisions_know_the_size_that_was_quoted_also_when_a_trial_passes_between_two_passes(lake, layout):
    bodies = [head(size_factor=0.25), decision(4)]
    journal(layout, bodies)
    ingest(lake, layout)
    passed = {"t": "parameters", "document": {"version": 2}, "size_factor": 1.0, "seq": 7}
    journal(layout, [*bodies, decision(6), passed, decision(7)])
    journal(layout, [head(), decision(5)], "older")
    assert ingest(lake, layout).problems == []
    found = lake.query("queries/decisions", **WINDOW).select("session", "seq", "size_factor").sort("session", "seq")
    assert found.rows() == [("older", 5, 1.0), ("s1", 4, 0.25), ("s1", 6, 0.25), ("s1", 7, 1.0)]


def test_an_order_steps_exchange_time_comes_through_and_is_null_where_it_was_not_told(lake, layout):
    told = [order("place") | {"exch_ts": 0}, order("ack") | {"exch_ts": 5_000_000}, order("cancel")]
    journal(layout, told)
    assert ingest(lake, layout).problems == []
    found = lake.query("queries/order_events", **WINDOW).select("what", "exch_ts").rows()
    assert found == [("place", None), ("ack", 5_000_000), ("cancel", None)]


def test_a_malformed_journal_line_is_a_problem_and_the_rest_is_taken_in(lake, layout):
    path = journal(layout, [{"t": "fill", "trade_id": 1}, order("place")])
    report = ingest(lake, layout)
    assert report.order_events == 1
    assert report.problems[0].startswith(f"{path}, line 1: fill line is malformed")


def test_audit_lines_become_parameter_events_once(lake, layout):
    event = {"venue": "paper", "symbol": "BTC/USDT", "what": "promote", "from_version": None, "to_version": 1}
    raw = lines.line(0, {**event, "who": "ops", "reason": "first", "outcome": "acknowledged"})
    lines.write(layout.audit / "parameter_events.log", [raw, b"5 {}\n"])
    report = ingest(lake, layout)
    assert report.parameter_events == 1
    assert "line 2: audit line" in report.problems[0]
    assert ingest(lake, layout) == IngestReport()
    row = lake.query("queries/parameter_events", venue="paper", symbol="BTC/USDT").row(0, named=True)
    assert (row["from_version"], row["to_version"], row["who"]) == (None, 1, "ops")


def test_homes_that_share_a_lake_lose_no_audit_line(lake, tmp_path):
    event = {"venue": "paper", "symbol": "BTC/USDT", "what": "kill", "reason": "drill", "outcome": "by hand"}
    homes = [Layout(tmp_path / name) for name in ("one", "two")]
    for at_ns, home in enumerate(homes, 1):
        audit_writer(home, clock=lambda at_ns=at_ns: at_ns)({**event, "who": home.home.name})
    assert [ingest(lake, home).parameter_events for home in homes] == [1, 1]
    held = lake.query("queries/parameter_events", venue="paper", symbol="BTC/USDT")
    assert held["who"].to_list() == ["one", "two"]


def test_checks_find_what_is_wrong(lake):
    frame = pl.DataFrame([{"venue": "v", "symbol": "s", "session": "x", "trade_id": 1, "order_id": 5, "side": 1}])
    zeros = ("seq", "local_ts", "exch_ts", "version", "level", "price_ticks", "qty_lots", "fee_base_lots")
    more = ("fee_quote_atoms", "mid_ticks", "quoted_mid_ticks")
    frame = frame.with_columns(
        *(pl.lit(0).alias(name) for name in zeros + more),
        pl.lit("low").alias("quoted_regime"),
        pl.lit("entry").alias("purpose"),
        pl.lit(True).alias("maker"),
        pl.date(2024, 8, 8).alias("day"),
    )
    lake.append("fill", frame)
    lake.append("fill", frame)
    assert [name for name, _ in run_checks(lake)] == ["duplicate_fills", "fills_without_orders"]


def test_progress_names_each_file_with_news(lake, layout):
    path = segment(layout, lines.session(updates=2))
    said: list[str] = []
    ingest(lake, layout, said.append)
    assert said == [f"{path}: {len(lines.session(updates=2))} lines, 6 rows, 0 gaps"]
