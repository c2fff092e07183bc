"""What is run in Hummingbot: every spread policy with every inventory policy, and what needs a case of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import Any, Final

from strategy.kernel import jit
from strategy.policies.document import ParameterDocument
from strategy.policies.parameters import ParameterSet
from strategy.policies.registry import built_in
from tests.unit.hummingbot_streams import sample_set
from tests.unit.kernel_samples import BTC

PAIR: Final = BTC.slug
ROWS: Final = 520
STEP_S: Final = 0.25
SILENCE: Final = (300, 8.0)  # before this row nothing comes for so many seconds
BALANCES: Final = {"BTC": "0.0005", "FDUSD": "150"}
MOVED: Final[dict[int, dict[str, str]]] = {  # by row: under the target, within the band, far over it, short of quote
    100: {"BTC": "0.0015"},
    190: {"BTC": "0.004"},
    380: {"FDUSD": "-100"},
    440: {"BTC": "-0.004", "FDUSD": "300"},
}
QUOTING: Final = {  # an inner level that is filled often
    "executor_refresh_time": 6.0, "cooldown_time": 1.5, "max_concurrent_buys": 2, "vol_size_ref": 4e-5,
    "buy_spreads": [0.3, 1], "sell_spreads": [0.3, 1, 2], "spread_floor_bps": 0.2,
}  # fmt: skip
REQUOTED: Final = QUOTING | {"requote_tolerance_bps": 3.0}
BARRIERS: Final = {"take_profit": 0.0001, "stop_loss": 0.002, "time_limit": 20.5}
REBALANCED: Final = {
    "executor_refresh_time": 4.0, "buy_spreads": [1], "sell_spreads": [1, 2], "position_rebalance_threshold_pct": 0.5
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A parameter set, and by row the version that replaces it."""

    name: str
    parameters: ParameterSet
    replaced: Mapping[int, ParameterDocument] = field(default_factory=dict)

    @property
    def document(self) -> ParameterDocument:
        """Return the version that the case starts with."""
        return version(1, self.parameters)


def version(number: int, parameters: ParameterSet) -> ParameterDocument:
    """Return a registered version of a set."""
    return ParameterDocument(version=number, instrument=BTC, parameters=parameters, kernel_digest=jit.KERNEL_DIGEST)


def every_case() -> dict[str, Case]:
    """Return the cases by name."""
    engines = sorted(built_in("volatility"))
    pairs = product(sorted(built_in("spreads")), sorted(built_in("inventory")))
    found = []
    for i, (spread, inventory) in enumerate(pairs):
        engine, odd = engines[(i + i // 4) % len(engines)], i % 2 == 1
        quoting = REQUOTED if odd else QUOTING
        found.append(Case(f"{spread}-{inventory}", sample_set(engine, spread, inventory, odd, quoting=quoting)))
    plain = sample_set("rolling_std", "discrete", "neutral", signals=False)
    wider = sample_set("ewma", "linear", "skewed", signals=True)
    barred = sample_set("ewma", "discrete", "neutral", False, quoting=QUOTING, barriers=BARRIERS)
    found.append(Case("barriers", barred))
    found.append(Case("rebalance", sample_set("ewma", "discrete", "neutral", signals=False, quoting=REBALANCED)))
    found.append(Case("hot-update", plain, {200: version(2, wider), 420: version(3, plain)}))
    return {case.name: case for case in found}


def market(seed: int = 7) -> list[dict[str, Any]]:
    """Return a recording: calm, then wild, then calm; rows of books with five levels a side, and trades."""
    rng, mid, at, rows = Random(seed), 60_000.0, 0.0, []
    for i in range(ROWS):
        at += SILENCE[1] if i == SILENCE[0] else STEP_S if i else 0.0
        mid *= 1.0 + rng.gauss(0.0, 1e-5 if i < 130 else 1.2e-4 if i < 260 else 3e-5)
        bid, spread = round(mid - 0.05, 2), rng.choice((0.01, 0.03, 2.5))
        rows.append(
            {
                "at": at,
                "bids": [[f"{bid - 0.7 * k:.2f}", f"{rng.randint(5, 200) / 1e5:.5f}"] for k in range(5)],
                "asks": [[f"{bid + spread + 0.7 * k:.2f}", f"{rng.randint(5, 200) / 1e5:.5f}"] for k in range(5)],
                "trades": [
                    [f"{bid:.2f}", f"{rng.randint(1, 90) / 1e5:.5f}", rng.random() < 0.5]
                    for _ in range(rng.choice((0, 0, 1, 4)) if i else 0)
                ],
            }
        )
    return rows
