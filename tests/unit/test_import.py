import gzip

import pytest

from analytics.care.coverage import coverage
from analytics.ingest.importer import EXIT_CODES, ImportReport, import_files
from analytics.ingest.market_rows import Counts
from analytics.lake.instruments import instrument
from analytics.lake.store import Lake, LakeSettings, run_checks
from strategy.errors import BadInput
from tests.unit import market_lines as lines

pytestmark = pytest.mark.slow

EVERYTHING = {"venue": "binance", "symbol": "BTC/USDT", "start_ns": 0, "end_ns": 2**62}


@pytest.fixture
def lake(tmp_path):
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        yield lake


def take(lake: Lake, *paths, **options) -> tuple[ImportReport, list[str]]:
    said: list[str] = []
    return import_files(lake, paths, "binance", "BTC/USDT", report=said.append, **options), said


def test_a_good_file_lands_whole_and_a_second_run_adds_nothing(lake, tmp_path):
    path = lines.write(tmp_path / "a.gz", [*lines.session(updates=5), lines.ticker(1, 300, "100.00", "100.02")])
    first, said = take(lake, path)
    assert (first.added.depth_updates, first.added.trades, first.added.book_tickers, first.added.snapshots) == (
        6,
        5,
        1,
        1,
    )
    assert first.exit_code == 0
    assert "0 gaps" in said[0]
    assert "line 3: 1 depth update before any snapshot (line 4), bridged by it" in said[1]
    again, said = take(lake, path)
    assert again.added == Counts()
    assert again.exit_code == 0
    assert "already in the lake" in said[0]
    assert run_checks(lake) == []
    assert instrument(lake, "binance", "BTC/USDT").min_notional == "5"


def test_files_are_taken_in_order_of_their_first_stamps(lake, tmp_path):
    whole = lines.session(updates=8)
    later = lines.write(tmp_path / "a.log", whole[12:])
    earlier = lines.write(tmp_path / "b.log", whole[:12])
    report, said = take(lake, later, earlier)
    assert report.exit_code == 0
    assert report.added.gaps == 0
    assert str(earlier) in said[0]


def test_a_file_continues_from_what_the_lake_holds(lake, tmp_path):
    whole = lines.session(updates=8)
    take(lake, lines.write(tmp_path / "a.log", whole[:12]))
    report, _ = take(lake, lines.write(tmp_path / "b.log", whole[12:]))
    assert (report.exit_code, report.added.gaps) == (0, 0)


def test_a_truncated_gzip_keeps_its_whole_lines(lake, tmp_path):
    data = gzip.compress(b"".join(lines.session(updates=400)))
    path = tmp_path / "a.gz"
    path.write_bytes(data[: len(data) // 2])
    report, said = take(lake, path)
    assert report.exit_code == 3
    assert report.added.depth_updates > 10
    assert f"{path}: truncated compression after line" in said[-1]


def test_lines_that_are_not_json_are_skipped_counted_and_the_first_named(lake, tmp_path):
    whole = lines.session(updates=4)
    broken = [*whole[:6], b"1700000000000000000 {oops\n", b"no stamp\n", *whole[6:]]
    path = lines.write(tmp_path / "a.log", broken)
    report, said = take(lake, path)
    assert report.exit_code == 4
    assert report.added.depth_updates == 5
    assert len(said) == 3
    assert f"{path}, line 7: not JSON" in said[-1]
    assert "2 such lines skipped" in said[-1]
    again, said = take(lake, path)
    assert again.exit_code == 0
    assert "2 wrong lines were skipped then" in said[0]


def test_a_diff_before_any_snapshot_that_cannot_be_bridged_is_named(lake, tmp_path):
    levels = ([("100.00", "1.000")], [("101.00", "1.000")])
    path = lines.write(tmp_path / "a.log", [lines.diff(0, 50, 60, levels[0]), lines.snapshot(0.1, 40, *levels)])
    report, said = take(lake, path)
    assert report.exit_code == 5
    assert report.added.depth_updates == 1
    assert f"{path}, line 1: 1 depth update before any snapshot (line 2) cannot be bridged" in said[-1]


def test_a_file_without_a_snapshot_and_nothing_to_continue_from_is_named(lake, tmp_path):
    path = lines.write(tmp_path / "a.log", [lines.diff(0, 50, 60, [("100.01", "0.001")])])
    report, said = take(lake, path)
    assert report.exit_code == 6
    assert report.added.depth_updates == 1
    assert f"{path}, line 1: no snapshot and nothing to continue from" in said[-1]


def test_a_file_of_nothing_usable_does_not_stop_the_others(lake, tmp_path):
    rubbish = lines.write(tmp_path / "a.log", [b"hello\n"])
    report, said = take(lake, rubbish, lines.write(tmp_path / "b.log", lines.session(updates=2)))
    assert report.exit_code == 2
    assert report.added.depth_updates == 3
    assert f"{rubbish}: nothing usable" in said[0]


def test_the_lowest_code_of_several_faults_is_the_exit_code(lake, tmp_path):
    bad = lines.write(tmp_path / "a.log", [b"1 {oops\n", lines.diff(0, 50, 60, [("100.01", "0.001")])])
    report, _ = take(lake, bad)
    assert {fault.code for fault in report.faults} == {4, 6}
    assert report.exit_code == 4
    assert set(EXIT_CODES) == {0, 2, 3, 4, 5, 6, 7}


def test_a_missing_diff_is_one_gap_and_a_later_source_that_has_it_fills_it(lake, tmp_path):
    whole = lines.session(updates=8)
    report, _ = take(lake, lines.write(tmp_path / "a.log", whole[:8] + whole[9:]))
    assert report.added.gaps == 1
    gaps = lake.query("queries/gaps", **EVERYTHING)
    assert gaps.select("stream", "expected_id", "got_id").rows() == [("depth", 105, 107)]
    filled, _ = take(lake, lines.write(tmp_path / "b.log", whole))
    assert filled.added.depth_updates == 1
    assert lake.query("queries/gaps", **EVERYTHING).is_empty()


def test_a_missing_trade_is_a_gap_in_the_trades(lake, tmp_path):
    whole = lines.session(updates=4)
    take(lake, lines.write(tmp_path / "a.log", whole[:7] + whole[8:]))
    assert lake.query("queries/gaps", **EVERYTHING).select("stream", "expected_id").rows() == [("trade", 2)]


def test_ids_that_begin_anew_keep_every_row_and_are_one_gap_a_stream(lake, tmp_path):
    both = lines.session(updates=3) + lines.session(start=60, updates=3)
    report, _ = take(lake, lines.write(tmp_path / "a.log", both))
    assert (report.added.depth_updates, report.added.trades, report.added.gaps) == (8, 6, 2)
    assert run_checks(lake) == []


def test_sizes_come_from_options_and_must_agree_with_the_lake(lake, tmp_path):
    path = lines.write(tmp_path / "a.log", [lines.diff(0, 1, 2, [("100.50", "1.5")])])
    take(lake, path, tick_size="0.5", lot_size="0.1")
    assert lake.query("queries/depth_updates", **EVERYTHING)["bid_ticks"].to_list() == [[201]]
    with pytest.raises(BadInput, match=r"already stored in tick 0\.5 and lot 0\.1"):
        take(lake, path, tick_size="0.01", lot_size="0.1")
    with pytest.raises(BadInput, match="together"):
        take(lake, path, tick_size="0.01")


def test_sizes_are_inferred_when_nothing_states_them(lake, tmp_path):
    take(lake, lines.write(tmp_path / "a.log", [lines.diff(0, 1, 2, [("100.50000000", "0.00300000")])]))
    held = instrument(lake, "binance", "BTC/USDT")
    assert (held.tick_size, held.lot_size) == ("0.1", "0.001")


def test_another_symbol_and_a_missing_file_are_refused(lake, tmp_path):
    path = lines.write(tmp_path / "a.log", lines.session(updates=1))
    said: list[str] = []
    report = import_files(lake, [path], "binance", "ETH/USDT", "0.01", "0.001", report=said.append)
    assert report.exit_code == 2
    assert report.added.depth_updates == 0
    assert said == [f"{path}: nothing usable, it is of BTCUSDT, not of ETHUSDT"]
    assert report.added.snapshots == 0
    with pytest.raises(BadInput, match="is not a file"):
        take(lake, tmp_path / "none.gz")


def test_coverage_tells_span_and_counts(lake, tmp_path):
    take(lake, lines.write(tmp_path / "a.log", lines.session(updates=3)))
    row = coverage(lake).row(0, named=True)
    assert (row["venue"], row["symbol"], row["updates"], row["trades"], row["gaps"]) == ("binance", "BTC/USDT", 4, 3, 0)
    assert row["first_ns"] == lines.stamp(0.01) + lines.LATENCY_NS
