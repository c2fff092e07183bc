"""The skip driver gives the reference driver's results, bit for bit, on random cases."""

from collections import Counter
from dataclasses import replace

import numba
import numpy as np
import pytest

from strategy.kernel.records import PURPOSE_NAMES, REASON_NAMES, REGIME_NAMES
from strategy.kernel.state import COUNTERS
from strategy.policies.registry import KINDS, built_in
from strategy.replay.driver import replay, replay_many
from tests.parity.skip_cases import COMBINATIONS, case, parameters_of
from tests.parity.skip_compare import compared, first_difference, replayed

CASES = 64 if numba.config.DISABLE_JIT else 512  # without the compiler a case takes seconds
CHUNK = 8 * len(COMBINATIONS)
CHUNKS = [  # seeds of one chunk share their policies, and chunks of the same policies follow each other
    range(start + policies, start + CHUNK, len(COMBINATIONS))
    for policies in range(len(COMBINATIONS))
    for start in range(0, CASES, CHUNK)
]
QUICK = range(0, 10 * len(COMBINATIONS), len(COMBINATIONS))
IN_HOW_MANY = 3  # cases at least, for a rule to count as tried

NOT_IN_A_REPLAY = ("halted", "parameters")  # nobody halts a replay, or changes its parameters
NOT_TRIED = ("late_fills",)  # the simulated venue answers in order
KILLED = ("killed panic", "killed day loss", "killed drawdown")
FILLED = ("filled in parts", "partly filled", "maker fills")
EXPECTED = [
    *(name for name in COUNTERS if name not in NOT_TRIED),
    *KILLED,
    *FILLED,
    "lost races",
    *(f"regime {name}" for name in REGIME_NAMES),
    *(f"reason {name}" for name in REASON_NAMES.values() if name not in NOT_IN_A_REPLAY),
    *(f"{purpose} filled" for purpose in PURPOSE_NAMES),
    *(f"{purpose} cancelled" for purpose in PURPOSE_NAMES),
    "entry rejected",
    "entry open",
    "take_profit rejected",
]


def assert_equal(seeds):
    reports = [f"seed {seed}: {compared(seed)[0]}" for seed in seeds if compared(seed)[0]]
    again = "again: tests.parity.skip_compare.compared(seed)"
    assert not reports, "\n".join([*reports, again])


@pytest.mark.slow  # a minute's compiling
@pytest.mark.parametrize("seed", QUICK)
def test_both_drivers_agree_on_a_few_cases(seed):
    assert_equal([seed])


@pytest.mark.slow
@pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_both_drivers_agree_on_random_cases(seeds):
    assert_equal(seeds)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="without the compiler there are too few cases for every rule")
def test_the_cases_make_every_rule_act():
    cases = Counter(name for seed in range(CASES) for name in compared(seed)[1])
    rare = {name: cases[name] for name in EXPECTED if cases[name] < IN_HOW_MANY}
    assert rare == {}


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_many_sets_at_once_give_what_each_gives_alone(workers):
    given = case(0)
    sets = [parameters_of(case(seed)) for seed in QUICK]
    together = replay_many(given.tape, given.info, sets, replace(given.config, driver="skip"), workers)
    for parameters, result in zip(sets, together, strict=True):
        alone = replay(given.tape, given.info, parameters, replace(given.config, driver="reference"))
        assert first_difference(alone, result) == ""


def test_the_combinations_hold_every_registered_policy():
    used = {
        "volatility": {each.engine for each in COMBINATIONS},
        "spreads": {each.spread for each in COMBINATIONS},
        "inventory": {each.inventory for each in COMBINATIONS},
        "signals": {name for each in COMBINATIONS for name in each.signals},
    }
    assert used == {kind: set(built_in(kind)) for kind in KINDS}


def test_a_seed_gives_the_same_case_again():
    first, again = case(3), case(3)
    assert first.info.fingerprint == again.info.fingerprint
    assert (first.parameters, first.config) == (again.parameters, again.config)
    assert first.info.fingerprint != case(11).info.fingerprint


@pytest.fixture(scope="module")
def result():
    given = case(0)
    return replayed(given._replace(config=replace(given.config, record_decisions=True)), "reference")


def changed(result, table, row, field, value):
    """Return a result with one field of one row set."""
    rows = getattr(result, table).copy()
    rows[field][row] = value
    return replace(result, **{table: rows})


@pytest.mark.parametrize(
    ("table", "row", "field", "said"),
    [
        ("fills", 3, "price_ticks", "1 differ, first row 3: price_ticks"),
        ("orders", 7, "ended_ns", "1 differ, first row 7: ended_ns"),
        ("decisions", 9, "want_bid_ticks", "1 differ, first row 9: want_bid_ticks"),
        ("samples", 0, "sigma", "1 differ, first row 0: sigma nan | 5"),
    ],
)
def test_a_changed_field_is_named_with_its_row_and_both_values(result, table, row, field, said):
    assert said in first_difference(result, changed(result, table, row, field, 5))


def test_a_missing_row_is_shown(result):
    shorter = replace(result, orders=result.orders[:-1])
    last = len(result.orders) - 1
    assert f"only the reference has row {last}" in first_difference(result, shorter)
    assert f"only the other has row {last}" in first_difference(shorter, result)


def test_the_last_bit_of_a_number_and_a_count_tell(result):
    off = replace(result, end_quote_atoms=np.nextafter(result.end_quote_atoms, 0.0))
    assert "end_quote_atoms" in first_difference(result, off)
    more = replace(result, counters=result.counters | {"timers": result.counters["timers"] + 1})
    assert "timers" in first_difference(result, more)
    assert first_difference(result, result) == ""
