"""The facts that the recordings' README states, checked on what lands in the lake."""

from pathlib import Path

import numpy as np
import pytest

from analytics.ingest.importer import import_files
from analytics.ingest.market_rows import Counts
from analytics.lake.store import Lake, LakeSettings, run_checks
from analytics.tape.tape import load_tape

pytestmark = pytest.mark.slow

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SPOT = {
    "BTC/USDT": Counts(depth_updates=6495, trades=19904, book_tickers=73174, snapshots=1),
    "ETH/USDT": Counts(depth_updates=6470, trades=14515, book_tickers=58758, snapshots=1),
}
FUTURES = {
    "BTC/USDT:USDT": Counts(depth_updates=6551, trades=21313, book_tickers=66089, snapshots=1),
}
EVERYTHING = {"start_ns": 0, "end_ns": 2**62}


def recording(folder: str, symbol: str) -> list[Path]:
    files = sorted((DATA / folder).glob(f"{symbol.partition(':')[0].replace('/', '').lower()}_*.gz"))
    if not files:
        pytest.skip(f"the recordings are not at {DATA}")
    return files


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    with Lake.open(LakeSettings.under(tmp_path_factory.mktemp("recordings"))) as lake:
        for symbol, counts in SPOT.items():
            said: list[str] = []
            files = recording("binance-spot-20240808", symbol)
            report = import_files(lake, files[::-1], "binance", symbol, report=said.append)
            assert report.added == counts
            assert report.exit_code == 0, said
        yield lake


def test_a_second_import_adds_nothing(lake):
    said: list[str] = []
    report = import_files(
        lake, recording("binance-spot-20240808", "BTC/USDT"), "binance", "BTC/USDT", report=said.append
    )
    assert report.added == Counts()
    assert all("already in the lake" in line for line in said)


def test_the_recordings_pass_every_check_and_have_no_gap(lake):
    assert run_checks(lake) == []
    for symbol in SPOT:
        assert lake.query("queries/gaps", venue="binance", symbol=symbol, **EVERYTHING).is_empty()


@pytest.mark.parametrize(("symbol", "unseen"), [("BTC/USDT", 2), ("ETH/USDT", 0)])
def test_the_book_is_never_crossed_and_its_best_equals_the_last_ticker(lake, symbol, unseen):
    """After a diff that ends at id u, best prices and sizes are those of the last ticker with an id up to u.

    The ticker stream names no state that lasted only between two of its messages: two BTC diffs end in such a state.
    """
    tape, _ = load_tape(lake, "binance", symbol)
    assert (tape.bid_ticks < tape.ask_ticks).all()
    assert tape.fresh.sum() == tape.fresh[0] == 1
    place = {"venue": "binance", "symbol": symbol}
    final = lake.query("queries/depth_updates", **place, **EVERYTHING)["final_update_id"].to_numpy()
    tickers = lake.query("queries/book_tickers", **place, **EVERYTHING)
    last = np.searchsorted(tickers["update_id"].to_numpy(), final[-(len(tape.fresh) - 1) :], side="right") - 1
    names = ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
    rebuilt = np.column_stack([getattr(tape, name)[1:] for name in names])
    stated = tickers.select(names).to_numpy()[last]
    assert (rebuilt != stated).any(axis=1).sum() == unseen


def test_94_percent_of_trades_are_at_or_through_the_touch_last_received(lake):
    tape, info = load_tape(lake, "binance", "BTC/USDT")
    assert -1.3e9 < info.clock_offset_ns < -1.2e9
    assert (tape.update_local >= tape.update_exch).all()
    assert (tape.trade_local >= tape.trade_exch).all()
    last = np.searchsorted(tape.update_local, tape.trade_local, side="right") - 1
    touch = np.where(tape.trade_side > 0, tape.ask_ticks[last], tape.bid_ticks[last])[last >= 0]
    through = (tape.trade_side * tape.trade_ticks)[last >= 0] >= tape.trade_side[last >= 0] * touch
    assert through.mean() == pytest.approx(0.94, abs=0.01)


def test_futures_land_without_a_gap(tmp_path):
    (symbol, counts), *_ = FUTURES.items()
    with Lake.open(LakeSettings.under(tmp_path)) as lake:
        report = import_files(lake, recording("binance-usdm-20240808", symbol), "binanceusdm", symbol)
        assert (report.added, report.exit_code) == (counts, 0)
        tape, _ = load_tape(lake, "binanceusdm", symbol)
        assert (tape.bid_ticks < tape.ask_ticks).all()
        assert len(tape.gap_exch) == 0
