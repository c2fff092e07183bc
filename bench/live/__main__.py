"""Print what is asked for: tick to order beside the plain ccxt loop, its parts, and ten symbols in one process."""

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import orjson

from bench.live import parts
from bench.live.processes import CLIENT_CORE, VENUE_CORE
from bench.live.ten_symbols import MARKETS, side_by_side
from bench.live.tick_to_order import Client, Timed, time_orders

QUANTILES: Final = (0.5, 0.9, 0.99, 1.0)


def clients(rehearse_ms: int, shadows: int) -> list[Client]:
    """Return who is measured."""
    ours = [Client("microvol, no rehearsals", 0, shadows)]
    if rehearse_ms:
        ours.insert(0, Client(f"microvol, rehearsing every {rehearse_ms} ms", rehearse_ms, shadows))
    return [*ours, Client("plain ccxt")]


def print_tick_to_order(measured: list[Client], seconds: float, rounds: int) -> None:
    """Print each client's lines; they take turns, each alone with a venue."""
    found = {client.name: Timed() for client in measured}
    for _ in range(rounds):
        for client in measured:
            time_orders(client, seconds / rounds, found[client.name], os.environ)
    print(f"tick to order, {seconds:g} s each in {rounds} rounds, venue on core {VENUE_CORE}, client on {CLIENT_CORE}")
    print(f"{'':50} {'n':>6} {'p50 ms':>9} {'p90 ms':>9} {'p99 ms':>9} {'worst ms':>9} {'of a core':>9}")
    for name, timed in found.items():
        for where, times in (("in its process", timed.in_process), ("venue to venue", timed.venue_to_venue)):
            figures = " ".join(f"{ms:9.3f}" for ms in np.quantile(times, QUANTILES))
            print(f"  {f'{name}, {where}':48} {len(times):6} {figures} {np.mean(timed.cores):9.1%}")


def print_parts(measured: list[Client], seconds: float) -> None:
    """Print when each step was over and how long it took, medians in µs, a column a client of ours."""
    columns = {client.name: _steps(client, seconds) for client in measured if client.rehearse_ms is not None}
    print(f"the way of an order, µs since its frame (µs of this step), medians of {seconds:g} s")
    print(f"{'':30}" + "".join(f"{name:>36}" for name in columns))
    for number, name in enumerate([*(name for name, _, _ in parts.STEPS), parts.LAST]):
        cells = (f"{at[number]:.0f} ({step[number]:.0f})" for at, step in columns.values())
        print(f"  {name:28}" + "".join(f"{cell:>36}" for cell in cells))


def _steps(client: Client, seconds: float) -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "parts"
        environment = {**os.environ, parts.FILE: str(file)}
        time_orders(replace(client, module="bench.live.parts"), seconds, Timed(), environment)
        names = [*(name for name, _, _ in parts.STEPS), parts.LAST]
        rows = [[json[name] / 1e3 for name in names] for json in map(orjson.loads, file.read_bytes().splitlines())]
    rows = rows[len(rows) // 3 :]  # the first are of a process that has just begun
    return list(np.median(rows, axis=0)), list(np.median(np.diff(rows, axis=1, prepend=0.0), axis=0))


def print_symbols(seconds: float, rehearse_ms: int) -> None:
    """Print what ten symbols take of a core."""
    for every_ms in dict.fromkeys((rehearse_ms, 0)):
        share, events, rss = side_by_side(seconds, every_ms)
        how = f"rehearsing every {every_ms} ms" if every_ms else "no rehearsals"
        print(
            f"{MARKETS} symbols in one process, {how}, {seconds:g} s: "
            f"{share:.1%} of a core, {events:.0f} events/s, {rss:.0f} MB"
        )


def main() -> None:
    """Print what is asked for; tick to order and symbols when nothing is."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    parser.add_argument("--only", choices=["order", "parts", "symbols"], help="one of the parts")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each client")
    parser.add_argument("--rounds", type=int, default=2, help="turns of each client, in which the seconds are spent")
    parser.add_argument("--rehearse-ms", type=int, default=5, help="as [live] rehearse_ms; 0 = never")
    parser.add_argument("--shadows", type=int, default=0, help="versions beside the champion, where orders are timed")
    options = parser.parse_args()
    measured = clients(options.rehearse_ms, options.shadows)
    if options.only in (None, "order"):
        print_tick_to_order(measured, options.seconds, options.rounds)
    if options.only == "parts":
        print_parts(measured, options.seconds)
    if options.only in (None, "symbols"):
        print_symbols(options.seconds, options.rehearse_ms)


main()
