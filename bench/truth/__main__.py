"""Study, gates and policies on tapes of which the truth is known; docs/calibration.md says what each line shows."""

import argparse
from collections.abc import Callable
from typing import Final

import numpy as np

from bench.truth import avellaneda_stoikov as paper
from bench.truth import edge, regimes, width

FEES_BPS: Final = (0.0, 1.5)
ENOUGH: Final = 0.95  # share of seeds that must show the truth


def print_width(seeds: int) -> bool:
    """Print what the study finds at each fee; true when it is as near as chance allows."""
    good = True
    for fee in FEES_BPS:
        found = [width.found(seed, fee) for seed in range(seeds)]
        widths, first = np.array([each.width_bps for each in found]), found[0]
        near = sum(abs(each.z) <= width.CHERNOFF_95 for each in found)
        print(f"width, fee {fee:g} bps: true {first.true_bps:g}, found {widths.mean():.2f} +- {widths.std(ddof=1):.2f}")
        print(f"  sampling error {first.deviation_bps:.2f}; {near} of {seeds} within 95% of it", flush=True)
        good = good and sum(abs(each.z) <= width.CHERNOFF_99 for each in found) >= ENOUGH * seeds
    return good


def print_edge(seeds: int) -> bool:
    """Print how many winners without and with an edge the gates refuse, and which gates."""
    fair, open_ = ([judge(seed) for seed in range(seeds)] for judge in (edge.without_edge, edge.with_edge))
    for name, found in (("no edge", fair), ("an edge", open_)):
        edges = np.array([each.edge_bps for each in found])
        refused = sum(bool(each.refused) for each in found)
        print(f"{name}: {refused} of {seeds} refused; edge held out {edges.mean():+.2f} +- {edges.std(ddof=1):.2f} bps")
    print(f"  {sum(each.statistical for each in fair)} of {seeds} without an edge by a statistical gate")
    for name in (verdict.name for verdict in fair[0].verdicts):
        told = (sum(name in each.refused for each in found) for found in (fair, open_))
        print(f"  {name:16} {next(told):3} without, {next(told):3} with an edge", flush=True)
    return sum(bool(each.refused) for each in fair) >= ENOUGH * seeds


def print_regimes(seeds: int) -> bool:
    """Print how often a width a regime beats the best constant one, held out."""
    gains = np.array([regimes.rivals(seed).gain for seed in range(seeds)])
    won = int(np.sum(gains > 0))
    print(f"regimes: {won} of {seeds} beat the constant width; gain {np.median(gains):.0%}, least {gains.min():.0%}")
    return won >= ENOUGH * seeds


def print_paper(simulations: int) -> bool:
    """Print the table of the simulation beside the equations; true when they agree as far as chance lets."""
    print(f"Avellaneda and Stoikov, gamma {paper.GAMMA:g}; {simulations} simulations, the equations 100 times as many")
    print(f"  {'':21} {'spread':>7} {'profit':>7} {'std':>6} {'final q':>8} {'std':>6}")
    good = True
    for name, follows in (("inventory", paper.HELD), ("symmetric", paper.UNMOVED)):
        replayed = paper.simulated(simulations, follows)
        equations = paper.computed(100 * simulations, follows)
        for how, found in (("replay", replayed), ("equations", equations)):
            profit, q = (f"{each.mean():7.2f} {each.std(ddof=1):6.2f}" for each in (found.profit, found.final_q))
            print(f"  {name:10} {how:10} {found.spread.mean():7.2f} {profit}  {q}", flush=True)
        pairs = (replayed.profit, equations.profit), (replayed.final_q, equations.final_q)
        good = good and all(paper.agrees(*pair) for pair in pairs)
    return good


PARTS: Final[dict[str, Callable[[int], bool]]] = {"width": print_width, "edge": print_edge, "regimes": print_regimes}


def main() -> int:
    """Run what is asked for; 1 when too many seeds miss the truth."""
    parser = argparse.ArgumentParser(prog="python -m bench.truth", description=__doc__)
    parser.add_argument("--only", choices=[*PARTS, "paper"], help="one of the parts")
    parser.add_argument("--seeds", type=int, default=20, help="tapes a part")
    parser.add_argument("--simulations", type=int, default=1_000, help="of the paper's table")
    options = parser.parse_args()
    good = [part(options.seeds) for name, part in PARTS.items() if options.only in (None, name)]
    if options.only in (None, "paper"):
        good.append(print_paper(options.simulations))
    return 0 if all(good) else 1


if __name__ == "__main__":
    raise SystemExit(main())
