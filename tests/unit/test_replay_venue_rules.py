"""What holds at the venue whatever the strategy does: no quote meets our own, rebates are paid, depth is walked."""

import numpy as np
import pytest

from strategy.kernel.records import ACK, BUY, SELL
from strategy.replay.driver import ReplayConfig, replay
from strategy.replay.latency import drawn
from strategy.replay.queue_models import QUEUE_MODELS
from strategy.replay.synthetic import SyntheticMarket, synthetic_tape
from tests.unit.kernel_samples import MS, parameter_set
from tests.unit.tape_samples import TapeMaker, run

ROUND_TRIPS = [(1 * MS, 2 * MS), (60 * MS, 5 * MS), (8 * MS, 300 * MS), (400 * MS, 400 * MS)]
NARROW = {"spread_low": 0.05, "spread_medium": 0.1, "spread_high": 0.3}
QUOTING = {
    "buy_spreads": [0.5, 1, 3],
    "sell_spreads": [0.5, 1, 3],
    "executor_refresh_time": 0.3,
    "cooldown_time": 0.1,
    "spread_floor_bps": 0.0,
}
EXITS = {"take_profit": 0.00005, "stop_loss": 0.0001, "time_limit": 2.0}
SETS = {
    "neutral": parameter_set(quoting=QUOTING, regimes=NARROW),
    "requoting": parameter_set(quoting=QUOTING | {"requote_tolerance_bps": 0.05}, regimes=NARROW),
    "barriers": parameter_set(quoting=QUOTING, regimes=NARROW, barriers=EXITS),
}


def spans(result):
    """Return (arrival, end, side, price) at the venue of every order that rested."""
    arrived = {int(e["order_id"]): int(e["exch_ts"]) for e in result.events if e["kind"] == ACK}
    return [
        (arrived[int(o["order_id"])], int(o["ended_ns"]), int(o["side"]), int(o["price_ticks"]))
        for o in result.orders
        if int(o["order_id"]) in arrived
    ]


def restless(seed):
    """Return a tape whose mid and width jump within the latencies, so that old quotes lie in the way of new ones."""
    draws, maker, mid, ms, stood = np.random.default_rng(seed), TapeMaker(), 6_000_000, 0, set()
    for k in range(400):
        ms, mid = ms + int(draws.integers(1, 20)), mid + int(draws.integers(-60, 61))
        half = int(draws.integers(1, 200))
        stands = {
            (side, mid - side * (half + away)): lots for side in (BUY, SELL) for away, lots in ((0, 50), (500, 900))
        }
        maker.update(
            ms, *((*gone, 0) for gone in stood - set(stands)), *((*at, q) for at, q in stands.items()), fresh=k == 0
        )
        stood = set(stands)
        if draws.random() < 0.15:
            side = BUY if draws.random() < 0.5 else SELL
            maker.trade(ms, side, mid + side * half, int(draws.integers(1, 90)))
    return maker


def gaps(resting):
    """Return ask - bid (ticks) of every two orders that rested at the same time."""
    bids, asks = ([span for span in resting if span[2] == side] for side in (BUY, SELL))
    together = [(bid, ask) for bid in bids for ask in asks if max(bid[0], ask[0]) < min(bid[1], ask[1])]
    return [ask[3] - bid[3] for bid, ask in together]


@pytest.mark.parametrize("name", SETS)
def test_no_bid_of_ours_rests_at_or_over_an_ask_of_ours(name):
    found = []
    for seed, model in enumerate(QUEUE_MODELS * 2):
        config = {"latencies": drawn(ROUND_TRIPS, seed), "queue_model": model, "quote": 2_000.0}
        result = run(restless(seed), SETS[name], **config)
        found += gaps(spans(result))
    assert len(found) > 40
    assert 1 <= min(found) < 40


def test_quotes_earn_the_rebate_and_exits_walk_the_depth_and_pay_for_it():
    tape, info = synthetic_tape(SyntheticMarket(seed=4, updates=500))
    large = parameter_set(quoting=QUOTING | {"order_qty": 0.02}, regimes=NARROW, barriers=EXITS)
    config = ReplayConfig(base=0.2, quote=9_000.0, maker_fee_bps=-0.5, taker_fee_bps=4.0)
    result = replay(tape, info, large, config)
    fills, atoms = result.fills, result.fills["price_ticks"] * result.fills["qty_lots"]
    rested = fills["maker"] == 1
    np.testing.assert_allclose(fills["fee_quote_atoms"], atoms * np.where(rested, -0.5, 4.0) * 1e-4)
    walks = [fills[fills["order_id"] == order_id] for order_id in np.unique(fills["order_id"][~rested])]
    deep = [walk for walk in walks if len(walk) > 1]
    assert rested.sum() > 20
    assert len(deep) > 3
    for walk in deep:
        assert len(np.unique(walk["exch_ts"])) == 1
        assert (np.diff(walk["price_ticks"]) * walk["side"][0] > 0).all()
    paid = (fills["side"] * atoms + fills["fee_quote_atoms"]).sum()
    assert result.end_quote_atoms == pytest.approx(result.start_quote_atoms - paid, rel=1e-12)
    assert result.end_base_lots == result.start_base_lots + (fills["side"] * fills["qty_lots"]).sum()
