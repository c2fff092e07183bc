"""What one event costs the live process, and how long its first decision takes, in the sources that are imported.

Run by `bench` in a process of its own, once for these sources and once for an earlier commit's; so it uses nothing but
`Stepper`, `ParameterSet` and `new_event`, whose signatures have not changed. Prints one JSON object.
"""

import json
import random
import statistics
import sys
import time

SPREADS = [1.0, 2.0, 3.0, 4.0]
UPDATES = 6_000
REPEATS = 7


def main() -> None:
    """Measure the first decision, then every event of a random walk with all orders acknowledged."""
    begun = time.perf_counter()
    from strategy.kernel.records import ACK, BOOK, CANCELLED, FRESH, PLACE
    from strategy.policies.document import Instrument
    from strategy.policies.parameters import ParameterSet
    from strategy.policies.stepper import Stepper, new_event

    imported = time.perf_counter() - begun
    instrument = Instrument(venue="paper", symbol="BTC/FDUSD", tick_size="0.01", lot_size="0.00001")
    chosen = {"quoting": {"buy_spreads": SPREADS, "sell_spreads": SPREADS}, "inventory": {"policy": "neutral"}}
    parameters = ParameterSet.model_validate(chosen)

    def run() -> list[int]:
        """Return ns of each event."""
        noise, mid, spent = random.Random(7), 6_000_000, []
        stepper = Stepper(parameters, instrument, 10_000.0, 1e12, 1)
        for i in range(UPDATES):
            mid += noise.randint(-40, 40)
            now = 1_700_000_000_000_000_000 + i * 100_000_000
            best = {"bid_ticks": mid - 1, "ask_ticks": mid + 1, "bid_lots": 5, "ask_lots": 5}
            news = [new_event(BOOK, local_ts=now, flag=FRESH if i == 0 else 0, **best)]
            while news:
                event = news.pop()
                at = time.perf_counter_ns()
                count = stepper.feed(event)
                spent.append(time.perf_counter_ns() - at)
                for action in stepper.actions[:count].copy():
                    kind = ACK if action["kind"] == PLACE else CANCELLED
                    news.append(new_event(kind, local_ts=now, order_id=int(action["order_id"])))
        return spent

    begun = time.perf_counter()
    Stepper(parameters, instrument, 10_000.0, 1e12, 1).feed(
        new_event(BOOK, local_ts=1, flag=FRESH, bid_ticks=5, ask_ticks=9)
    )
    first = time.perf_counter() - begun
    runs = [sorted(run()) for _ in range(REPEATS + 1)][1:]
    json.dump(
        {
            "cold_s": imported + first,
            "median_us": statistics.median(spent[len(spent) // 2] for spent in runs) / 1e3,
            "p99_us": statistics.median(spent[len(spent) * 99 // 100] for spent in runs) / 1e3,
        },
        sys.stdout,
    )


main()
