import numpy as np
import pytest

from analytics.study.folds import Window
from analytics.tape.excerpt import excerpt
from strategy.policies.parameters import ParameterSet
from strategy.policies.sections import Quoting, Risk
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape

# The depth rule makes every decision look at the whole book within the band.
BASE = ParameterSet(
    volatility={"policy": "rolling_std", "vol_window_seconds": 10.0},
    quoting=Quoting(executor_refresh_time=3.0),
    risk=Risk(depth_band_bps=0.5, min_depth_base=0.045),
)


@pytest.mark.parametrize(("start_s", "end_s"), [(0, 60), (30, 90), (75, 200), (180, 300)])
def test_a_replay_of_an_excerpt_equals_one_of_the_whole_tape(start_s, end_s):
    market = SyntheticMarket(updates=2_400, volatility_ticks=300.0, seed=5)
    tape, info = synthetic_tape(market)
    window = Window(market.start_ns + start_s * 10**9, market.start_ns + end_s * 10**9)
    config = ReplayConfig(base=0.01, quote=2_000.0, start_ns=window.start_ns, end_ns=window.end_ns)
    part = excerpt(tape, window)
    whole, cut = replay(tape, info, BASE, config), replay(part, info, BASE, config)
    assert len(whole.fills) > 0
    assert whole.counters == cut.counters
    assert whole.counters["thin_books"] > 0
    for table in ("fills", "orders", "samples"):
        for name in getattr(whole, table).dtype.names:
            np.testing.assert_array_equal(getattr(whole, table)[name], getattr(cut, table)[name], err_msg=name)
    assert (whole.end_base_lots, whole.end_quote_atoms) == (cut.end_base_lots, cut.end_quote_atoms)
    assert (whole.start_mid_ticks, whole.end_mid_ticks) == (cut.start_mid_ticks, cut.end_mid_ticks)
    assert start_s < 30 or len(part.update_exch) < len(tape.update_exch)
