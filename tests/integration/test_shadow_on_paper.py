"""Two versions in the shadow of a quoting process on the real paper venue."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from strategy.live.journal import read_journal
from strategy.live.parity import check
from strategy.policies.document import write_atomically
from tests.integration.rig import SYMBOL, Rig, end, paper_rig, wait_for

pytestmark = pytest.mark.slow


@dataclass
class Story:
    """What is left of a session with shadows."""

    alone: tuple[int, ...]
    code: int
    journal: Path
    shadows: dict[int, list[dict[str, Any]]]
    log: str


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with paper_rig(tmp_path_factory.mktemp("home"), "--regime", "busy") as rig:
        yield tell(rig)


def tell(rig: Rig) -> Story:
    first, second, third = rig.document(1), rig.document(2, executor_refresh_time=1.0), rig.document(3)
    files = {name: rig.home / f"{name}.json" for name in ("champion", "one", "other")}
    for path, document in zip(files.values(), (first, second, third), strict=True):
        write_atomically(path, document.to_json())
    options = ["--champion-file", files["champion"], "--shadow-file", files["one"], "--shadow-file", files["other"]]
    supervisor = rig.start("supervisor", *map(str, options), "quote")
    wait_for(lambda: rig.quoting(1), 120, "quoting")
    wait_for(lambda: rig.status().shadows == (2, 3), 120, "two shadows")
    wait_for(lambda: fills(rig, 2) >= 5 and fills(rig, 3) >= 2, 180, "fills in the shadow")
    folder = rig.layout.live("paper", SYMBOL)
    write_atomically(files["other"], b"{}")  # what cannot be read leaves the last answer standing
    (folder / "shadow-3.json").unlink()
    alone = wait_for(lambda: rig.status().shadows == (2,) and rig.status().shadows, 60, "one shadow")
    code = end(supervisor)
    (journal,) = rig.journals()
    told = {version: lines(rig, version) for version in (2, 3)}
    return Story(alone, code, journal, told, (rig.home / "supervisor.err").read_text())


def lines(rig: Rig, version: int) -> list[dict[str, Any]]:
    paths = sorted(rig.layout.shadow("paper", SYMBOL).glob(f"*-v{version}-*"))
    return [entry.body for path in paths for entry in read_journal(path)]


def fills(rig: Rig, version: int) -> int:
    return sum(body["t"] == "fill" for body in lines(rig, version))


def test_shadows_come_and_go_with_their_files(story: Story) -> None:
    assert story.alone == (2,)
    assert [body["t"] for body in story.shadows[3]][-1] == "end"
    assert story.shadows[3][-1]["reason"] == "no longer wanted"
    assert story.shadows[2][-1]["reason"] == "stopped"
    assert "shadow dropped" not in story.log


def test_a_shadow_trades_from_the_champions_holdings_and_its_account_adds_up(story: Story) -> None:
    head, *told = story.shadows[2]
    lot, tick = 1e-5, 1e-2
    base, quote = round(head["base"] / lot), head["quote"] / (lot * tick)
    for body in told:
        if body["t"] == "fill":
            base += body["side"] * body["qty_lots"]
            quote -= body["side"] * body["qty_lots"] * body["price_ticks"]
    last = next(body for body in reversed(told) if body["t"] == "sample")
    late = [body for body in told if body["t"] == "fill" and body["exch_ts"] > last["ts"]]
    assert (base, quote) == (
        pytest.approx(last["base_lots"] + sum(body["side"] * body["qty_lots"] for body in late)),
        pytest.approx(last["quote_atoms"] - sum(b["side"] * b["qty_lots"] * b["price_ticks"] for b in late)),
    )


def test_every_order_of_a_shadow_is_told_once_and_counts_its_fills(story: Story) -> None:
    orders = {body["order_id"]: body for body in story.shadows[2] if body["t"] == "order"}
    filled: dict[int, int] = {}
    for body in story.shadows[2]:
        if body["t"] == "fill":
            filled[body["order_id"]] = filled.get(body["order_id"], 0) + body["qty_lots"]
    assert len(orders) == sum(body["t"] == "order" for body in story.shadows[2])
    assert {name: order["filled_lots"] for name, order in orders.items() if order["filled_lots"]} == filled


def test_the_champion_is_as_it_would_be_alone(story: Story) -> None:
    assert story.code == 0
    report = check(story.journal)
    assert (report.equal, report.complete, report.versions) == (True, True, (1,))
    assert json.dumps(story.shadows[2][0]).count('"version": 2') == 1
