"""A supervised process quotes with policies of a package that only its environment names."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from strategy.kernel.sources import POLICY_PATH
from strategy.live.parity import check
from strategy.policies import registry
from strategy.policies.document import write_atomically
from strategy.policies.plugins import PREFIX
from tests.integration.rig import end, paper_rig, wait_for

pytestmark = pytest.mark.slow
PLUGINS = Path(__file__).resolve().parents[1] / "plugin"
GROUPS = {
    "spread": {"policy": "proportional", "sigmas": 2.0},
    "signals": [{"policy": "last_trade", "follow_bps": 0.1}],
}


@pytest.fixture(autouse=True)
def plugins_in_sight(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have this process and its children see the sample package and file, and forget them afterwards."""
    before = [str(PLUGINS), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(before))
    monkeypatch.setenv(POLICY_PATH, str(PLUGINS / "files"))
    monkeypatch.syspath_prepend(str(PLUGINS))
    registry.look_again()
    yield
    monkeypatch.undo()
    for name in [name for name in sys.modules if name.startswith(PREFIX)]:
        del sys.modules[name]
    registry.look_again()


def test_live_process_swaps_between_plug_ins_and_its_journal_replays_equal(tmp_path: Path) -> None:
    with paper_rig(tmp_path) as rig:
        champion = tmp_path / "champion.json"
        write_atomically(champion, rig.document(1, groups=GROUPS).to_json())
        supervisor = rig.start("supervisor", "--champion-file", str(champion), "quote")
        wait_for(lambda: rig.quoting(1), 150, "quoting with the package's policies")
        constant = GROUPS | {"spread": {"policy": "constant", "width_bps": 0.5}}
        write_atomically(champion, rig.document(2, groups=constant).to_json())
        wait_for(lambda: rig.quoting(2), 150, "quoting with the file's policy")
        assert end(supervisor) == 0
        assert rig.resting() == []
        (journal,) = rig.journals()
    report = check(journal)
    assert report.differences == ()
    assert report.versions == (1, 2)
    assert report.decisions > 2
