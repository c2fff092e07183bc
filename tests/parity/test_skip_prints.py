"""Sets whose memory is printed from a stamp give what each gives alone, also when their logs have to grow."""

from dataclasses import replace

import pytest

from strategy.policies.parameters import ParameterSet
from strategy.replay import run, skip_set
from strategy.replay.driver import replay, replay_many
from strategy.replay.exchange import MARGIN
from strategy.replay.skip_set import Given, Skipping
from tests.parity.skip_cases import COMBINATIONS, parameters_of, plain_case
from tests.parity.skip_compare import first_difference

pytestmark = pytest.mark.slow

UNWATCHED = {"panic_threshold": None, "min_depth_base": 0.0}  # a set's own part of the market is not printed
SEEDS = range(0, 12 * len(COMBINATIONS), len(COMBINATIONS))


def sets_of(seeds: range) -> list[ParameterSet]:
    found = [parameters_of(plain_case(seed)) for seed in seeds]
    return [each.model_copy(update={"risk": each.risk.model_copy(update=UNWATCHED)}) for each in found]


@pytest.mark.parametrize("workers", [1, 2])
def test_printed_sets_give_what_each_gives_alone(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "FILLS", MARGIN + 70)  # there is room for a few fills only, so that logs grow
    printed, grown = [], []

    class Noting(Skipping):
        def _print(self, given: Given, *rest: object) -> None:
            printed.append(1)
            super()._print(given, *rest)

        def make_room(self) -> None:
            grown.append(1)
            super().make_room()

    monkeypatch.setattr("strategy.replay.batch.Skipping", Noting)
    given, sets = plain_case(0), sets_of(SEEDS)
    config = replace(given.config, driver="skip", record_orders=False)
    together = replay_many(given.tape, given.info, sets, config, workers)
    for parameters, result in zip(sets, together, strict=True):
        alone = replay(given.tape, given.info, parameters, replace(config, driver="reference"))
        assert first_difference(alone, result) == ""
    assert len(printed) >= len(sets) - workers
    assert grown


def test_a_set_with_a_part_of_the_market_for_itself_is_not_printed() -> None:
    given, (plain, *_) = plain_case(0), sets_of(SEEDS)
    light = replace(given.config, record_orders=False)
    watched = [{"panic_threshold": 1.0}, {"min_depth_base": 1.0}]
    others = [plain.model_copy(update={"risk": plain.risk.model_copy(update=each)}) for each in watched]
    assert skip_set.may_be_printed(light, plain)
    assert not any(skip_set.may_be_printed(light, each) for each in others)
    assert not skip_set.may_be_printed(replace(light, record_orders=True), plain)
    assert not skip_set.may_be_printed(replace(light, record_decisions=True), plain)
