"""Quotes renewed in one go leave what the reference driver leaves, bit for bit."""

import numba
import pytest

from strategy.replay import batch
from strategy.replay.run import ReplayResult
from tests.parity.skip_cases import COMBINATIONS, plain_case
from tests.parity.skip_compare import differences

CASES = 64 if numba.config.DISABLE_JIT else 512
RENEWING = [0, 1, 5]  # combinations without signals and without a sampling clock


@pytest.mark.slow
@pytest.mark.parametrize("policies", RENEWING)
def test_renewals_in_one_go_change_nothing(policies: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []  # renewals in one go, of each case

    class Counting(batch.Skipping):
        def result(self) -> ReplayResult:
            found = super().result()
            taken.append(int(self._skip.place[0]["renewed"]))
            return found

    monkeypatch.setattr(batch, "Skipping", Counting)
    reports = []
    for seed in range(policies, CASES, len(COMBINATIONS)):
        given = plain_case(seed)
        differs, _ = differences(given)
        if differs:
            reports.append(f"seed {seed}: {differs}")
    assert not reports, "\n".join(reports)
    assert sum(taken) > len(taken)
