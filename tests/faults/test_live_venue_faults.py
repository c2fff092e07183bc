"""A venue that misbehaves under one quoting process: afterwards both tell the same story, and it quotes again."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from strategy.live.kill_switch import KillSwitch
from strategy.live.last_session import read_last_session
from strategy.live.parity import check
from tests.integration.rig import SYMBOL, Rig, end, paper_rig, wait_for

pytestmark = pytest.mark.slow

SOON = 60.0
Fault = tuple[str, dict[str, Any]]

SCENARIOS: dict[str, list[Fault]] = {
    "market data closed, cut, with a hole and mute": [
        ("close", {"on": "market"}),
        ("skip", {"stream": "depth", "count": 3}),
        ("mute", {"stream": "depth", "seconds": 0.5}),
        ("abort", {"on": "market"}),
    ],
    "user stream cut": [("abort", {"on": "user"})],
    "user stream deaf": [("deaf", {"seconds": 3.0})],
    "reports late, twice and out of order": [
        ("event-duplicate", {"count": 6}),
        ("event-reorder", {"count": 4}),
        ("event-delay", {"count": 4, "seconds": 0.5}),
    ],
    "time-outs with and without an order": [
        ("error", {"code": -1007, "after": True, "count": 2}),
        ("error", {"code": -1007, "count": 2}),
        ("cut", {"on": "place", "after": True}),
    ],
    "answers late": [("delay", {"on": "place", "count": 6, "seconds": 0.7}), ("delay", {"on": "cancel", "count": 3})],
    "pages and server errors": [
        ("html", {"on": "place", "after": True, "status": 200}),
        ("html", {"on": "signed", "count": 4}),
        ("error", {"code": 503, "on": "cancel", "after": True, "count": 2}),
        ("cut", {"on": "cancel", "count": 2}),
    ],
    "refusals": [
        ("error", {"code": -2010, "count": 2}),
        ("error", {"code": -2011, "count": 2}),
        ("error", {"code": -2013, "count": 1}),
        ("error", {"code": -1021, "count": 2}),
    ],
    "a restart with memory": [("restart", {"memory": "all", "seconds": 0.5})],
}


@dataclass
class Desk:
    """A quoting process on a paper venue of its own."""

    rig: Rig

    @property
    def halt(self) -> Any:
        return self.rig.layout.live("paper", SYMBOL) / "halt"

    def rest(self) -> None:
        """Halt it and wait until nothing rests on either side."""
        self.halt.touch()
        wait_for(self._rests, SOON, "halted with nothing resting")

    def _rests(self) -> bool:
        found = self.rig.status()
        halted = found is not None and found.state == "halted" and not found.open_orders
        return halted and not self.rig.state()["open_orders"]

    def told(self) -> tuple[Decimal, Decimal]:
        """Return what the journal says is held: base and quote units."""
        found = read_last_session(self.rig.layout.journal("paper", SYMBOL))
        assert found is not None
        lot = Decimal("0.00001")
        return (found.base_lots * lot).normalize(), (found.quote_atoms * lot * Decimal("0.01")).normalize()

    def truth(self) -> tuple[Decimal, Decimal]:
        """Return what the venue says is held."""
        held = self.rig.state()["balances"]
        base, quote = (Decimal(held[asset]["free"]) + Decimal(held[asset]["locked"]) for asset in ("BTC", "FDUSD"))
        return base.normalize(), quote.normalize()

    def resume(self) -> None:
        self.halt.unlink()
        wait_for(self.rig.quoting, SOON, "quoting again")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with paper_rig(tmp_path_factory.mktemp("home"), "--regime", "busy", "--base", "0.05", "--quote", "5000") as rig:
        rig.put(rig.document(1, executor_refresh_time=0.5))
        process = rig.start("quote", "--orders-per-10s", "200")
        wait_for(rig.quoting, 120, "quoting")
        yield Desk(rig)
        assert end(process) == 0
        assert rig.state()["open_orders"] == []
        report = check(rig.journals()[-1])
        assert report.differences == ()
        assert report.complete


@pytest.mark.parametrize("faults", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_after_a_fault_both_tell_the_same_story_and_quoting_goes_on(desk: Desk, faults: list[Fault]) -> None:
    before = desk.rig.status()
    assert before is not None
    for what, fields in faults:
        desk.rig.fault(what, **fields)
    wait_for(lambda: desk.rig.status().fills > before.fills, SOON, "a fill")
    wait_for(desk.rig.quoting, SOON, "quoting")
    desk.rest()
    wait_for(lambda: desk.told() == desk.truth(), SOON, "the journal tells what the venue holds")
    assert not KillSwitch(desk.rig.layout.live("paper", SYMBOL)).read()
    desk.rig.fault("clear")
    desk.resume()
    assert desk.rig.status().session == before.session


def test_a_deposit_is_heard_of_and_is_no_difference(desk: Desk) -> None:
    before = desk.rig.status()
    desk.rig.deposit("BTC", "0.01")
    wait_for(lambda: desk.rig.status().events > before.events + 50, SOON, "more of the market")
    desk.rest()
    wait_for(lambda: desk.told() == desk.truth(), SOON, "the journal tells what the venue holds")
    desk.resume()


def test_a_venue_that_has_forgotten_what_happened_stops_quoting_and_says_by_how_much(desk: Desk) -> None:
    wait_for(lambda: desk.told() != (Decimal("0.05"), Decimal(5000)), SOON, "holdings other than at the start")
    desk.rig.fault("restart", memory="nothing", seconds=0.5)
    kill = wait_for(lambda: KillSwitch(desk.rig.layout.live("paper", SYMBOL)).read(), SOON, "a kill")
    assert kill.cause == "books"
    assert "held: ours" in kill.reason
    assert "off by" in kill.reason
    wait_for(lambda: not desk.rig.state()["open_orders"], SOON, "nothing rests")
    assert desk.rig.run("rearm", "--reason", "the venue began anew").returncode == 0
    wait_for(desk.rig.quoting, SOON, "quoting again")
    desk.rest()
    wait_for(lambda: desk.told() == desk.truth(), SOON, "the journal tells what the venue holds")
    desk.resume()
