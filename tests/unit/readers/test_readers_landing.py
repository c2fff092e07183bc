"""What holds for every reader: exactly once under a kill, bounded batches, sizes, and the command's own words."""

from pathlib import Path

import numpy as np
import pytest

from analytics.ingest.market_rows import Counts
from analytics.ingest.readers import landing
from analytics.ingest.readers.decimals import Finest, from_double, from_text
from analytics.ingest.readers.hftbacktest import HftbacktestReader
from analytics.ingest.readers.tardis import TardisReader
from flows.cli import run
from strategy.errors import BadData, BadInput
from tests.unit.readers.reader_rig import Rig, books, rig, write
from tests.unit.readers.test_readers_hftbacktest import (
    BOTH,
    BUY_FLAG,
    DEPTH,
    LOCAL,
    OPENING,
    SELL_FLAG,
    TRADE,
    event,
    save,
)
from tests.unit.readers.test_readers_tardis import BOOK, L2, PRINTS, l2

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """Stands for a signal that no handler catches."""


def all_rows(market: Rig) -> list[object]:
    return [market.rows(name) for name in ("depth_updates", "depth_snapshots", "trades", "gaps")]


@pytest.mark.slow
@pytest.mark.parametrize("alive_for", [1, 3])
def test_a_kill_between_batches_loses_and_doubles_nothing(lake, tmp_path, monkeypatch, alive_for):
    many = [event(1000 + i, BOTH | DEPTH | BUY_FLAG, 90 + i % 7, float(i % 5)) for i in range(60)]
    prints = [event(1000 + i, LOCAL | TRADE | SELL_FLAG, 100.0, 1.0) for i in range(0, 60, 5)]
    rows = sorted([*many, *prints], key=lambda row: row[2])
    path = save(tmp_path / "a.npz", [*OPENING, *rows])
    whole, killed = rig(lake), rig(lake)
    whole.take(HftbacktestReader(), path)
    monkeypatch.setattr(landing, "FLUSH_WEIGHT", 30)
    flush, left = landing.Landing._flush, iter(range(alive_for))

    def dying(self, rows, complete):
        if next(left, None) is None:
            raise Killed
        flush(self, rows, complete)

    monkeypatch.setattr(landing.Landing, "_flush", dying)
    with pytest.raises(Killed):
        killed.take(HftbacktestReader(), path)
    assert 0 < len(killed.rows("depth_updates")) < 61
    monkeypatch.setattr(landing.Landing, "_flush", flush)
    assert killed.take(HftbacktestReader(), path).exit_code == 0
    assert all_rows(killed) == all_rows(whole)
    assert killed.take(HftbacktestReader(), path).added == Counts()


def test_no_more_than_a_batch_is_held(market, tmp_path, monkeypatch):
    held = []
    monkeypatch.setattr(landing, "FLUSH_WEIGHT", 30)
    flush = landing.Landing._flush
    monkeypatch.setattr(
        landing.Landing, "_flush", lambda self, rows, complete: (held.append(rows.weight), flush(self, rows, complete))
    )
    lines = [*BOOK, *(l2(3000 + i, "false", "bid", "99.9", f"{i % 9}.5") for i in range(60))]
    market.take(TardisReader("BTCUSDT"), write(tmp_path / "a.csv", lines))
    assert len(held) > 4
    assert max(held) < 40


def test_sizes_are_kept_from_the_first_import_and_options_must_agree(market, tmp_path):
    path = write(tmp_path / "a.csv", BOOK)
    market.take(TardisReader("BTCUSDT"), path, sizes=("0.05", "0.1"))
    assert market.tape()[1].tick_size == "0.05"
    finer = write(tmp_path / "b.csv", [*BOOK, l2(4000, "false", "bid", "99.91", "1")])
    assert market.take(TardisReader("BTCUSDT"), finer).exit_code == 4
    assert market.said[-1] == f"{finer}, line {len(BOOK) + 1}: 99.91 is not a multiple of tick_size 0.05"
    with pytest.raises(BadInput, match=r"already stored in tick 0\.05"):
        market.take(TardisReader("BTCUSDT"), path, sizes=("0.1", "0.1"))
    with pytest.raises(BadInput, match="together"):
        market.take(TardisReader("BTCUSDT"), path, sizes=("0.1", None))
    with pytest.raises(BadInput, match="is not a file"):
        market.take(TardisReader("BTCUSDT"), tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1 + 0.2, "0.3"), (58710.2, "58710.2"), (1e-8, "0.00000001"), (3e20, "300000000000000000000"), (5.0, "5")],
)
def test_a_double_is_read_as_the_decimal_it_was_written_for(value, text):
    assert from_double(value) == text


def test_what_is_no_number_is_refused():
    assert from_text("1.5E-3") == "0.0015"
    for wrong in ("eleven", "1e", "e"):
        with pytest.raises(BadData, match="is not a number"):
            from_text(wrong)
    with pytest.raises(BadData, match="inf is not a number"):
        from_double(float("inf"))


def test_the_finest_step_looks_at_places_that_count():
    finest = Finest("tick_size")
    for text in ("100", "0.000", "99.50", "7.25", "3.1000"):
        finest.add(text)
    assert finest.step() == "0.01"
    whole = Finest("lot_size")
    whole.add("500")
    assert whole.step() == "1"
    with pytest.raises(BadData, match="tick_size cannot be inferred"):
        Finest("tick_size").step()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MICROVOL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MICROVOL_CONFIG", "")
    return tmp_path


def test_the_command_imports_and_says_what_it_did(home, capsys):
    book, prints = write(home / "book.csv", BOOK), write(home / "trades.csv", PRINTS)
    command = ["import", str(book), str(prints), "--format", "tardis", "--venue", "binance", "--symbol", "BTC/USDT"]
    assert run(command) == 0
    shown = capsys.readouterr()
    assert "21 depth updates" in shown.err
    assert "import BTC/USDT, % 100 of 100" in shown.err
    assert any(row.split()[1:4] == ["added", "│", "21"] for row in shown.out.splitlines()), shown.out
    assert run(command) == 0
    assert "already in the lake" in capsys.readouterr().err
    wrong = write(home / "wrong.csv", [L2, l2(10, "true", "up", "1", "1")])
    assert run([*command[:1], str(wrong), *command[3:]]) == 4
    assert f"{wrong}, line 2: side was 'up'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "generic"], "--format generic needs --mapping FILE.toml"),
        (["--format", "tardis", "--date", "2026-01-01"], "--date was 2026-01-01, --format tardis has no such option"),
        (["--mapping", "a.toml"], "--mapping was a.toml, --format collector has no such option"),
        (["--format", "generic", "--mapping", "/none.toml"], "/none.toml cannot be read: No such file"),
        (["--format", "lobster", "--date", "june"], "--date was 'june'"),
        (["--format", "lobster", "--timezone", "Mars"], "--timezone was 'Mars'"),
        (["--format", "excel"], "'excel' is not one of"),
    ],
)
def test_wrong_options_are_one_line_and_exit_2(home, capsys, options, said):
    assert run(["import", "a.csv", *options]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_plain_depth_rows_of_a_whole_book_are_its_first_update(market, tmp_path):
    levels = [(BUY_FLAG, 99.0, 1.0), (SELL_FLAG, 101.0, 2.0)]
    rows = [event(0, BOTH | DEPTH | side, px, qty) for side, px, qty in levels]
    rows += [event(10 + i, BOTH | DEPTH | BUY_FLAG, 99.0, 2.0 + i) for i in range(5)]
    market.take(HftbacktestReader(), save(tmp_path / "a.npz", rows))
    tape, _ = market.tape()
    assert np.array_equal(tape.bid_lots, [1, 2, 3, 4, 5, 6])
    assert books(tape)[0] == {(1, 99): 1, (-1, 101): 2}
