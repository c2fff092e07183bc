"""Both drivers give the same results on the recorded markets."""

from dataclasses import replace
from pathlib import Path

import numba
import pytest

from analytics.ingest.importer import import_files
from analytics.lake.store import Lake, LakeSettings
from analytics.tape.tape import load_tape
from strategy.policies.parameters import ParameterSet
from strategy.policies.presets import preset
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.latency import drawn
from strategy.replay.queue_models import QUEUE_MODELS
from tests.parity.skip_compare import first_difference

pytestmark = pytest.mark.slow

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SYMBOLS = {
    "BTC/USDT": ("binance", "binance-spot-20240808"),
    "ETH/USDT": ("binance", "binance-spot-20240808"),
    "BTC/USDT:USDT": ("binanceusdm", "binance-usdm-20240808"),
}
MS = 1_000_000
PART_NS = 20_000 * MS  # of a recording, where there is no compiler
TRIPS = [(3 * MS, 4 * MS), (9 * MS, 5 * MS), (40 * MS, 90 * MS)]
CONFIG = ReplayConfig(
    base=0.05, quote=5_000.0, maker_fee_bps=1.0, taker_fee_bps=5.0, latencies=drawn(TRIPS, 1), record_decisions=True
)
# Sigma of these recordings is around 2e-5 an update.
REGIMES = {"low_threshold": 8e-6, "medium_threshold": 1.6e-5, "high_threshold": 4e-5}
NARROW = REGIMES | {"spread_low": 0.4, "spread_medium": 0.8, "spread_high": 2.0}
QUICK = {"executor_refresh_time": 2.0, "cooldown_time": 0.5, "spread_floor_bps": 0.0}
ONE_LEVEL = {"buy_spreads": [1.0], "sell_spreads": [1.0]}
FOUR_LEVELS = {"buy_spreads": [1.0, 1.5, 2.0, 3.0], "sell_spreads": [1.0, 1.5, 2.0, 3.0]}
BARRIERS = {
    "take_profit": 2e-4,
    "stop_loss": 4e-4,
    "time_limit": 30.0,
    "trailing_stop_activation": 1e-4,
    "trailing_stop_delta": 1e-4,
}
NEUTRAL = {"inventory": {"policy": "neutral"}, "regimes": NARROW}


def parameter_set(**groups):
    return ParameterSet.model_validate(groups)


def sized(name, order_qty):
    """Return a preset with orders that all three markets take."""
    chosen = preset(name)
    return chosen.model_copy(update={"quoting": chosen.quoting.model_copy(update={"order_qty": order_qty})})


SETS = {
    "micro_vol": preset("micro_vol"),
    "volatility_pmm": sized("volatility_pmm", 0.02),
    "one level": parameter_set(**NEUTRAL, quoting=QUICK | ONE_LEVEL),
    "four levels with barriers": parameter_set(
        **NEUTRAL,
        quoting=QUICK | FOUR_LEVELS | {"requote_tolerance_bps": 0.5},
        barriers=BARRIERS,
        risk={"lockout_seconds": 1.0, "lockout_cancels": True, "panic_threshold": 8e-5},
    ),
    "sampled": parameter_set(
        **NEUTRAL,
        volatility={"policy": "rolling_std", "vol_sampling_interval": 0.25},
        quoting=QUICK | ONE_LEVEL | {"position_rebalance_threshold_pct": 0.8},
        risk={"depth_band_bps": 1.0, "min_depth_base": 0.3, "stale_after_seconds": 0.5},
    ),
}


@pytest.fixture(scope="module")
def tapes(tmp_path_factory):
    found = {}
    with Lake.open(LakeSettings.under(tmp_path_factory.mktemp("recordings"))) as lake:
        for symbol, (venue, folder) in SYMBOLS.items():
            files = sorted((DATA / folder).glob(f"{symbol.partition(':')[0].replace('/', '').lower()}_*.gz"))
            if not files:
                pytest.skip(f"the recordings are not at {DATA}")
            import_files(lake, files, venue, symbol)
            found[symbol] = load_tape(lake, venue, symbol)
    return found


@pytest.mark.parametrize("queue_model", QUEUE_MODELS)
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_both_drivers_agree_on_a_recording(tapes, symbol, name, queue_model):
    tape, info = tapes[symbol]
    end_ns = info.start_ns + PART_NS if numba.config.DISABLE_JIT else None
    config = replace(CONFIG, queue_model=queue_model, end_ns=end_ns)
    reference, skip = (replay(tape, info, SETS[name], replace(config, driver=each)) for each in ("reference", "skip"))
    assert first_difference(reference, skip) == ""
    assert len(reference.orders) > 0
