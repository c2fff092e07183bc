"""The simulated exchange, frames of a market and a strategy in one virtual time: what a replay of them does."""

import gzip
from dataclasses import replace

import numpy as np
import pytest

from analytics.tape.tape import load_tape
from strategy.kernel.records import CANCEL, FILL, TAKE, TIMER
from strategy.live.simulation import exchange as exchange_module
from strategy.live.simulation.assumptions import Assumptions
from strategy.live.simulation.exchange import SimulatedExchange
from strategy.policies.document import Instrument
from strategy.policies.parameters import ParameterSet, parse_parameters
from strategy.policies.stepper import Stepper, new_event
from strategy.replay.driver import replay
from strategy.replay.tape import Tape, TapeInfo
from strategy.venues.market import MarketReader
from strategy.venues.ports import OrderKind, OrderRequest
from strategy.venues.units import Units
from tests.integration.live_day import SYMBOL, VENUE, fill_market, open_lake

pytestmark = pytest.mark.slow

INSTRUMENT = Instrument(venue=VENUE, symbol=SYMBOL, tick_size="0.01", lot_size="0.00001")
HOLDINGS = (1_000.0, 2e10)


class Trader:
    """A strategy on a simulated exchange, in virtual time; `answers` are kept as they reach it."""

    def __init__(self, parameters: ParameterSet, assumptions: Assumptions, offset_ns: int) -> None:
        self.now_ns, self._offset_ns = 0, offset_ns
        self._exchange = SimulatedExchange(INSTRUMENT, assumptions, lambda: self.now_ns)
        self._exchange._clock.ns, self._exchange._clock.known = offset_ns, 1
        self._stepper = Stepper(parameters, INSTRUMENT, *HOLDINGS, version=0)
        self._reader = MarketReader(SYMBOL, Units("0.01", "0.00001"))
        self._numbers: dict[int, int] = {}  # the exchange's by the strategy's
        self._ours: dict[int, int] = {}
        self.fills: list[tuple[int, ...]] = []

    def frame(self, local_ns: int, payload: bytes) -> None:
        """Let everything happen that is due before a frame, then hand it to the strategy and to the exchange."""
        while (due_ns := self._due_ns()) < local_ns:
            self.now_ns = due_ns
            self._hear()
            if self._stepper.next_wake_ns == due_ns - self._offset_ns:
                self._feed(new_event(TIMER, local_ts=self._stepper.next_wake_ns))
        self.now_ns = local_ns
        for event in self._reader.read(local_ns, payload):
            event["local_ts"] = max(local_ns - self._offset_ns, int(event["exch_ts"]))
            self._feed(event)
        self._exchange.frame(local_ns, payload)

    def _due_ns(self) -> int:
        wake = self._stepper.next_wake_ns
        due = [] if wake <= 0 else [wake + self._offset_ns]
        served = self._exchange.due_ns
        return min([*due, *([] if served is None else [served])], default=2**62)

    def _hear(self) -> None:
        for answer in self._exchange.answers():
            answer["order_id"] = self._ours[int(answer["order_id"])]
            if answer["kind"] == FILL:
                names = ("exch_ts", "local_ts", "order_id", "side", "price_ticks", "qty_lots", "leaves_lots", "code")
                self.fills.append(tuple(int(answer[name]) for name in names))
            self._feed(answer)

    def _feed(self, event: np.void) -> None:
        for action in self._stepper.actions[: self._stepper.feed(event)].copy():
            order_id = int(action["order_id"])
            if action["kind"] == CANCEL:
                self._exchange.cancel(self._numbers[order_id])
                continue
            kind: OrderKind = "ioc" if action["kind"] == TAKE else "post_only"
            size = (int(action["side"]), int(action["price_ticks"]), int(action["qty_lots"]))
            self._numbers[order_id] = self._exchange.place(OrderRequest(str(order_id), *size, kind=kind))
            self._ours[self._numbers[order_id]] = order_id


CASES = {
    "constant latency": (Assumptions(maker_fee_bps=1.0), {}),
    "an uneven line": (Assumptions(entry_ns=(3_000_000, 70_000_000), response_ns=(9_000_000, 30_000_000)), {}),
    "takers": (Assumptions(taker_fee_bps=4.0), {"barriers": {"time_limit": 3.0}}),
}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tape, TapeInfo, list[bytes]]:
    folder = tmp_path_factory.mktemp("market")
    with open_lake(folder) as lake:
        fill_market(lake, folder)
        lines = gzip.decompress((folder / "market.gz").read_bytes()).splitlines()
        return *load_tape(lake, VENUE, SYMBOL), lines


@pytest.mark.parametrize("case", CASES)
def test_a_strategy_on_it_gets_the_fills_of_a_replay(
    market: tuple[Tape, TapeInfo, list[bytes]], case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape, info, lines = market
    monkeypatch.setattr(exchange_module, "KEPT_ORDERS", 50)  # rows of orders go meanwhile
    assumptions, groups = CASES[case]
    quoting = {"executor_refresh_time": 2.0, "cooldown_time": 0.5, "order_qty": 0.002}
    regimes = {"spread_low": 1.0, "spread_medium": 2.0}
    parameters = parse_parameters({"regimes": regimes, "quoting": quoting} | groups)
    trader = Trader(parameters, assumptions, info.clock_offset_ns)
    for line in lines:
        stamp, _, payload = line.partition(b" ")
        trader.frame(int(stamp), payload)
    config = assumptions.config(HOLDINGS[0] * 1e-5, HOLDINGS[1] * 1e-7, 0)
    expected = replay(tape, info, parameters, replace(config, record_events=True)).events
    told = expected[expected["kind"] == FILL]
    names = ["exch_ts", "local_ts", "order_id", "side", "price_ticks", "qty_lots", "leaves_lots", "code"]
    assert len(told) > 20
    assert trader.fills == [tuple(int(row[name]) for name in names) for row in told]
