"""The figures of `microvol data` against what the test recorded."""

import datetime as dt
import re

import polars as pl
import pytest

from analytics.care.quality import Quality, Selection, quality, with_books
from analytics.care.quality_page import hourly, render, write_page
from analytics.ingest.ingest import ingest
from analytics.lake.store import Lake, LakeSettings
from flows.cli import run
from strategy.live.layout import Layout
from tests.unit import market_lines as lines

pytestmark = pytest.mark.slow

# a midnight, in seconds after the samples' start
MIDNIGHT = -(lines.START_NS // 10**9) % 86_400
DAY = dt.datetime.fromtimestamp(lines.START_NS / 1e9 + MIDNIGHT, dt.UTC).date()
NEXT = DAY + dt.timedelta(days=1)


@pytest.fixture
def lake(tmp_path):
    with Lake.open(LakeSettings.under(tmp_path / "lake")) as lake:
        yield lake


def measure(lake: Lake, tmp_path, *segments: list[bytes], **chosen) -> Quality:
    for number, raw in enumerate(segments):
        lines.write(Layout(tmp_path).segments("paper", "BTC/USDT") / f"{number:04}.log", raw)
    ingest(lake, Layout(tmp_path))
    return quality(lake, Selection(**chosen))


def test_a_clean_hour_is_covered_without_holes_at_its_rate_and_latency(lake, tmp_path):
    found = measure(lake, tmp_path, lines.session(start=MIDNIGHT, updates=1_200))
    row = found.days.row(0, named=True)
    assert (row["venue"], row["symbol"], row["day"]) == ("paper", "BTC/USDT", DAY)
    assert row["coverage"] == pytest.approx(3 / 1_440)
    assert (row["gaps"], row["gap_s"], row["trade_holes"], row["trades_missing"]) == (0, 0, 0, 0)
    assert row["updates_per_s"] == pytest.approx(10, rel=0.01)
    assert row["latency_ms"] == pytest.approx(1, abs=0.5)
    assert (row["updates"], row["trades"], row["tickers"], row["crossed_s"]) == (1_201, 1_200, 0, None)
    assert found.hours.select("utc_hour", "covered_minutes").rows() == [(0, 3)]


def test_a_hole_counts_from_the_last_update_to_the_next_snapshot_and_by_day_over_midnight(lake, tmp_path):
    before = lines.session(start=MIDNIGHT + 86_400 - 10, updates=50)
    after = lines.session(start=MIDNIGHT + 86_400 + 20, updates=50, first_id=900, first_trade=61)
    found = measure(lake, tmp_path, before, after).days
    assert found["day"].to_list() == [DAY, NEXT]
    assert found["gaps"].to_list() == [0, 1]
    assert found["gap_s"].to_list() == [pytest.approx(5, abs=0.01), pytest.approx(20.02, abs=0.01)]
    assert found.select("trade_holes", "trades_missing").rows() == [(0, 0), (1, 10)]


def test_a_book_that_never_came_back_is_unknown_to_the_last_update(lake, tmp_path):
    tail = [lines.diff(MIDNIGHT + 5 + i, 500 + i, 500 + i, [("99.00", "1.000")]) for i in range(4)]
    row = measure(lake, tmp_path, [*lines.session(start=MIDNIGHT, updates=10), *tail]).days.row(0, named=True)
    assert (row["gaps"], row["gap_s"]) == (1, pytest.approx(7, abs=0.01))


def test_crossed_seconds_are_those_of_the_tickers_in_force(lake, tmp_path):
    tickers = [
        (0.5, "100.00", "100.02"),
        (2.0, "100.03", "100.02"),
        (3.5, "100.02", "100.02"),
        (4.0, "100.00", "100.02"),
    ]
    raw = [lines.ticker(MIDNIGHT + second, 900 + i, bid, ask) for i, (second, bid, ask) in enumerate(tickers)]
    row = measure(lake, tmp_path, [*lines.session(start=MIDNIGHT, updates=3), *raw]).days.row(0, named=True)
    assert (row["tickers"], row["crossed_s"]) == (4, pytest.approx(2.0))


def test_a_rebuilt_book_tells_what_no_ticker_did(lake, tmp_path):
    base = lines.session(start=MIDNIGHT, updates=10, first_id=100)
    crossing = [
        lines.diff(MIDNIGHT + 2, 121, 122, [("100.05", "1.000")]),
        lines.diff(MIDNIGHT + 3.5, 123, 124, [("100.05", "0.000")]),
    ]
    found = measure(lake, tmp_path, [*base, *crossing])
    assert found.days["crossed_s"].to_list() == [None]
    said: list[str] = []
    assert with_books(lake, found, said.append).days["crossed_s"].to_list() == [pytest.approx(1.5, abs=0.01)]
    assert said == [f"paper BTC/USDT {DAY}"]


def test_a_selection_narrows_to_days_venue_and_symbol(lake, tmp_path):
    days = [
        lines.session(start=MIDNIGHT + 86_400 * i, updates=5, first_id=100 + 100 * i, first_trade=1 + 9 * i)
        for i in range(3)
    ]
    every = measure(lake, tmp_path, *days).days
    assert every["day"].to_list() == [DAY, NEXT, NEXT + dt.timedelta(days=1)]
    one = quality(lake, Selection("paper", "BTC/USDT", NEXT, NEXT + dt.timedelta(days=1)))
    assert one.days["day"].to_list() == one.hours["day"].unique().to_list() == [NEXT]
    assert quality(lake, Selection(symbol="ETH/USDT")).days.is_empty()
    assert quality(lake, Selection(venue="binance")).hours.is_empty()


def test_the_page_is_one_file_with_a_map_and_a_line_a_day(lake, tmp_path):
    days = [
        lines.session(start=MIDNIGHT + 86_400 * i, updates=5, first_id=100 * i + 100, first_trade=9 * i + 1)
        for i in (0, 2)
    ]
    found = measure(lake, tmp_path, *days)
    first, shares = hourly(found.hours)
    assert (first, shares.shape) == (DAY, (3, 24))
    assert shares[0, 0] == shares[2, 0] == pytest.approx(1 / 60)
    assert shares.sum() == pytest.approx(2 / 60)
    page = write_page(found, tmp_path / "data.html").read_text()
    rows = re.findall(r"<tr><td>(.*?)</td>", page)
    assert rows == [str(DAY), str(DAY + dt.timedelta(days=2))]
    assert page.count("<svg") == 1
    assert "hour of the day, UTC" in page
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)


def test_a_page_of_nothing_says_so(lake):
    assert "holds nothing of this selection" in render(quality(lake, Selection()))


def test_only_the_newest_year_is_drawn():
    rows = {"day": [DAY, DAY + dt.timedelta(days=500)], "utc_hour": [3, 5], "covered_minutes": [60, 30]}
    first, shares = hourly(pl.DataFrame(rows))
    assert (first, len(shares)) == (DAY + dt.timedelta(days=135), 366)
    assert (shares[-1, 5], shares.sum()) == (0.5, 0.5)


def test_the_command_shows_a_line_a_day_and_writes_the_page(lake, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    measure(lake, tmp_path, lines.session(start=MIDNIGHT, updates=20))
    page = tmp_path / "page.html"
    assert run(["data", "--symbol", "BTC/USDT", "--from", str(DAY), "--to", str(NEXT), "--html", str(page)]) == 0
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if str(DAY) in line]
    assert [cell.strip() for cell in row.split("│")][1:4] == ["paper", "BTC/USDT", str(DAY)]
    assert f"written to {page}" in shown
    assert page.read_text().count("<svg") == 1
    assert run(["data", "--from", str(NEXT)]) == 0
    assert str(DAY) not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "monday"], "--from was 'monday'"),
        (["--from", "2026-02-01", "--to", "2026-02-01"], "--from was 2026-02-01, it must be before --to 2026-02-01"),
        (["--html", "/does/not/exist/page.html"], "--html was /does/not/exist/page.html: there is no folder"),
        (["--venue", "nowhere"], "venue 'nowhere' is unknown"),
    ],
)
def test_bad_input_of_the_command_is_one_line_and_exit_2(arguments, said, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path))
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    assert run(["data", *arguments]) == 2
    assert said in capsys.readouterr().err
