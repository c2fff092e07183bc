"""Hundreds of random schedules of faults: afterwards journal and venue tell the same story, and it quotes again.

A schedule that fails is printed with the command that runs it again.
"""

from collections import Counter
from pathlib import Path

import pytest

from strategy.venues.paper.faults import menu
from tests.faults.lab import run_schedules
from tests.faults.schedules import FORKED, schedule

BATCH = 24
BATCHES = 9
SEEDS = range(1, 1 + BATCH * BATCHES)
NAMED = (429, 418, -1003, -1007, -1021, -2010, -2011, -2013, 500, 503)


def test_the_schedules_hold_every_fault_several_times() -> None:
    steps = [step for seed in SEEDS for step in schedule(seed).steps]
    kinds = Counter(step.what for step in steps)
    venues = {name for line in menu.menu() for name in line.names.split("|")} - {"clear", "no-account", "permissions"}
    assert {what for what, times in kinds.items() if times >= 5} >= venues | set(FORKED)
    faults = [step.fault for step in steps if not step.of_process]
    codes = Counter(fault.code for fault in faults if isinstance(fault, menu.Error))
    assert all(codes[code] >= 3 for code in NAMED), codes
    memories = Counter(fault.memory for fault in faults if isinstance(fault, menu.Restart))
    assert all(memories[memory] >= 3 for memory in ("all", "money", "nothing")), memories
    assert len(SEEDS) >= 200


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", SEEDS[::BATCH])
async def test_after_random_faults_journal_and_venue_tell_the_same_story(first: int, tmp_path: Path) -> None:
    outcomes = await run_schedules([schedule(seed) for seed in range(first, first + BATCH)], tmp_path)
    failed = [outcome for outcome in outcomes if outcome.fault]
    assert not failed, "\n".join(map(str, failed))
