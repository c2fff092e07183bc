"""hftbacktest itself reads an exported file and sees the tape's books and trades (in the environment of the bench)."""

from pathlib import Path

import numpy as np
import pytest

from analytics.export.hftbacktest import export_hftbacktest
from analytics.ingest.importer import import_files
from analytics.lake.store import Lake, LakeSettings
from analytics.tape.tape import load_tape
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from strategy.replay.tape import Tape, TapeInfo
from tests.unit import market_lines as lines
from tests.unit.research_samples import SYMBOL, VENUE, recording

hft = pytest.importorskip("hftbacktest", reason="hftbacktest is only in the environment of `make bench-peer`")
validation = pytest.importorskip("hftbacktest.data.validation")


def synthetic(folder: Path) -> tuple[Tape, TapeInfo]:
    return synthetic_tape(SyntheticMarket(updates=300))


def recorded(folder: Path) -> tuple[Tape, TapeInfo]:
    with Lake.open(LakeSettings.under(folder / "lake")) as lake:
        import_files(lake, [lines.write(folder / "raw.log", recording(8).lines)], VENUE, SYMBOL)
        return load_tape(lake, VENUE, SYMBOL)


@pytest.mark.parametrize("source", [synthetic, recorded])
def test_the_peer_sees_the_best_prices_of_the_tape_after_every_update(source, tmp_path: Path) -> None:
    tape, info = source(tmp_path)
    export_hftbacktest(tape, info, tmp_path / "events.npz")
    validation.validate_event_order(np.load(tmp_path / "events.npz")["data"])
    asset = hft.BacktestAsset().data(str(tmp_path / "events.npz")).linear_asset(1.0)
    asset = asset.tick_size(float(info.tick_size)).lot_size(float(info.lot_size))
    peer = hft.HashMapMarketDepthBacktest([asset])
    moments = np.unique(tape.update_local)[:-1]  # it never serves the last row of a file
    peer.elapse(1)  # only now it has a time
    seen = 0
    for i in np.searchsorted(tape.update_local, moments, side="right") - 1:  # the last update of each moment
        at = int(tape.update_local[i])
        if at in tape.gap_local or (tape.bid_ticks[i] == 0 or tape.ask_ticks[i] == 0):
            continue
        _go_to(peer, at)
        depth = peer.depth(0)
        assert (depth.best_bid_tick, depth.best_ask_tick) == (tape.bid_ticks[i], tape.ask_ticks[i])
        assert round(depth.best_bid_qty / float(info.lot_size)) == tape.bid_lots[i]
        assert round(depth.best_ask_qty / float(info.lot_size)) == tape.ask_lots[i]
        seen += 1
    assert seen > 80
    peer.close()


def _go_to(peer, at: int) -> None:
    """Let the peer's time reach a moment."""
    if peer.current_timestamp < at:
        peer.elapse(at - peer.current_timestamp)
