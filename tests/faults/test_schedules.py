"""Hundreds of random schedules of faults: afterwards journal and venue tell the same story, and it quotes again.

A schedule that fails is printed with the command that runs it again.
"""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from strategy.venues.paper.faults import menu
from tests.faults.keepers import Supervised
from tests.faults.lab import run_schedule, run_schedules
from tests.faults.schedules import FORKED, PROCESS_FAULTS, Schedule, Step, schedule, steps

SEEDS = range(1, 217)  # all of them: python -m tests.faults.lab $(seq 1 216)
BATCH = 12  # side by side: more of them would starve whatever else is tested on two cores
CHOSEN = range(73, 145)  # those that every change is tested with
WANTED = {"close", "abort", "skip", "mute", "deaf", "event-delay", "event-duplicate", "event-reorder"}
WANTED |= {"error", "html", "cut", "delay", "skew", "restart"}
NAMED = (429, 418, -1003, -1007, -1021, -2010, -2011, -2013, 500, 503)


def test_the_schedules_hold_every_fault_several_times() -> None:
    steps = [step for seed in SEEDS for step in schedule(seed).steps]
    kinds = Counter(step.what for step in steps)
    assert {what for what, times in kinds.items() if times >= 5} >= WANTED | set(FORKED)
    faults = [step.fault for step in steps if not step.of_process]
    codes = Counter(fault.code for fault in faults if isinstance(fault, menu.Error))
    assert all(codes[code] >= 3 for code in NAMED), codes
    memories = Counter(fault.memory for fault in faults if isinstance(fault, menu.Restart))
    assert all(memories[memory] >= 3 for memory in ("all", "money", "nothing")), memories
    assert len(SEEDS) >= 200


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", CHOSEN[::BATCH])
async def test_after_random_faults_journal_and_venue_tell_the_same_story(first: int, tmp_path: Path) -> None:
    outcomes = await run_schedules([schedule(seed) for seed in range(first, first + BATCH)], tmp_path)
    failed = [outcome for outcome in outcomes if outcome.fault]
    assert not failed, "\n".join(map(str, failed))


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_real_supervisors_and_their_children_may_die_in_every_way(tmp_path: Path) -> None:
    plans = []
    for number, what in enumerate(PROCESS_FAULTS):
        venues = steps(random.Random(f"supervised {number}"), 3, 6.0, (), forgetful=False)
        plans.append(Schedule(number, "7.5", (*venues, Step(6.0, what))))
    outcomes = await asyncio.gather(*(run_schedule(plan, tmp_path / f"{plan.seed}", Supervised) for plan in plans))
    failed = [outcome for outcome in outcomes if outcome.fault]
    assert not failed, "\n".join(map(str, failed))
