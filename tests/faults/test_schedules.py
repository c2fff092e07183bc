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
from tests.faults.lab import Outcome, run_schedules
from tests.faults.schedules import FORKED, PROCESS_FAULTS, Schedule, Step, schedule, steps

SEEDS = range(1, 217)
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


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Outcome]:
    """Run all of them, some side by side."""
    plans = [schedule(seed) for seed in SEEDS]
    found = asyncio.run(run_schedules(plans, tmp_path_factory.mktemp("schedules")))
    return {outcome.plan.seed: outcome for outcome in found}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS)
def test_after_random_faults_journal_and_venue_tell_the_same_story(seed: int, outcomes: dict[int, Outcome]) -> None:
    assert not outcomes[seed].fault, outcomes[seed]


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_real_supervisors_and_their_children_may_die_in_every_way(tmp_path: Path) -> None:
    plans = []
    for number, what in enumerate(PROCESS_FAULTS):
        venues = steps(random.Random(f"supervised {number}"), 3, 6.0, (), forgetful=False)
        plans.append(Schedule(number, "7.5", (*venues, Step(6.0, what))))
    failed = [outcome for outcome in await run_schedules(plans, tmp_path, Supervised) if outcome.fault]
    assert not failed, "\n".join(map(str, failed))
