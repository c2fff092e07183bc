"""One schedule from begin to end: a venue in this event loop, a quoting process that is forked, and what must hold.

`python -m tests.faults.lab SEED…` runs schedules side by side and says what came of each.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from strategy.live.doors import LiveStatus, read_status
from strategy.live.kill_switch import HALT_FILE, KillSwitch
from strategy.live.layout import Layout
from strategy.policies.document import write_atomically
from strategy.venues.paper.config import PaperConfig
from strategy.venues.paper.faults.menu import Clear
from strategy.venues.paper.misfortune import Misfortune
from strategy.venues.paper.server import PaperServer, running
from strategy.venues.settings import paper_venue
from tests.faults.forked_quoting import FORKS
from tests.faults.keepers import POLL_S, ForkKeeper, Keeper
from tests.faults.leaks import KEY, SECRET, leaks
from tests.faults.schedules import Schedule, schedule
from tests.faults.story import executions, journals, money, parities, sent, told
from tests.integration.rig import close_quotes
from tests.unit.fake_broker import INSTRUMENT

SYMBOL: Final = INSTRUMENT.symbol
SIDE_BY_SIDE: Final = 16  # each takes a twentieth of a core
AT_THEIR_START: Final = 3  # and a start a third of one: all at once would miss what they wait for, and begin again
KEYS: Final = {"api_key": KEY, "secret": SECRET}
PATIENCE_S: Final = 240.0
_UNIT: Final = Decimal("1e-8")


@dataclass(frozen=True)
class Shared:
    """What schedules share that run side by side."""

    starts: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_THEIR_START))
    checker: Executor | None = None  # repeats the decisions; None does it in a thread, which holds up every venue


class Lab:
    """One venue, one home folder, one quoting process after another."""

    def __init__(
        self, plan: Schedule, server: PaperServer, home: Path, keeper: Callable[["Lab"], Keeper], shared: Shared
    ) -> None:
        """Prepare a schedule on a running venue; `keeper` starts the quoting process and keeps it running."""
        self._plan, self._server, self.home, self._shared = plan, server, home, shared
        keys = {"api_key": SecretStr(KEY), "secret": SecretStr(SECRET)}
        self.venue = paper_venue(server.url, SYMBOL).model_copy(update=keys)
        layout = Layout(home)
        self._layout, self._live = layout, layout.live(self.venue.name, SYMBOL)
        self._journals = layout.journal(self.venue.name, SYMBOL)
        self._hire = keeper
        self.keeper: Keeper | None = None
        self._person: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Quote, let go wrong what is planned, and check what must hold; AssertionError says what does not."""
        quick = close_quotes(INSTRUMENT, executor_refresh_time=0.5)
        self._live.mkdir(parents=True, exist_ok=True)
        write_atomically(self._layout.parameter_file(self.venue.name, SYMBOL), quick.to_json())
        try:
            async with self._shared.starts:
                self.keeper = self._hire(self)
                self._person = asyncio.create_task(self._attend())
                await self.until(self._quoting, "quoting")
            await self._go_wrong()
            await self.until(self._quoting, "quoting again")
            await self._compare()
            await self._end()
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._person is not None:
            self._person.cancel()
        if self.keeper is not None:
            self.keeper.signal(signal.SIGKILL)
            self.keeper.die()

    @property
    def pid(self) -> int | None:
        """Return the id of the quoting process, None while there is none that shows itself."""
        status = self._status()
        return None if status is None else status.pid

    async def until(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> Any:
        """Return the condition's first true value."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            self._check_others()
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}; {self._situation()}"
            await asyncio.sleep(POLL_S)
        return found

    def _check_others(self) -> None:
        """Raise what went wrong with whoever works beside this."""
        if self.keeper is not None:
            self.keeper.check()
        if self._person is not None and self._person.done() and asyncio.current_task() is not self._person:
            self._person.result()

    async def _go_wrong(self) -> None:
        begun = time.monotonic()
        for step in self._plan.steps:
            await asyncio.sleep(begun + step.at_s - time.monotonic())
            self._check_others()
            await (self._strike(step.what) if step.of_process else Misfortune(self._server).carry_out(step.fault))
        await asyncio.sleep(1.0)
        await Misfortune(self._server).carry_out(Clear(what="clear"))

    async def _strike(self, what: str) -> None:
        assert self.keeper is not None
        match what:
            case "kill process":
                self.keeper.signal(signal.SIGKILL)
            case "term process":
                self.keeper.signal(signal.SIGTERM)
            case "kill both":
                self.keeper.die()
                self.keeper.signal(signal.SIGKILL)
                self.keeper = self._hire(self)
            case "kill supervisor":
                self.keeper.die()
                self.keeper = self._hire(self)
            case "term both":
                await self.keeper.stop()
                self.keeper = self._hire(self)

    async def _attend(self) -> None:
        """Be the person who re-arms; a kill has to be for a reason that the schedule gives."""
        while True:
            await asyncio.sleep(POLL_S)
            if (kill := self._switch.read()) is None:
                continue
            assert self._plan.forgets, f"killed though the venue forgot nothing: {kill}"
            assert kill.cause == "books", f"killed for another reason: {kill}"
            assert "off by" in kill.reason, f"killed without saying by how much: {kill}"
            await self.until(lambda: not self._resting(), "nothing rests once killed")
            self._switch.rearm("looked at", "the test")

    async def _compare(self) -> None:
        await self.until(lambda: self._resting() == sent(self._journals), "what rests is what the journal knows")
        (self._live / HALT_FILE).touch()
        await self.until(self._halted, "halted with nothing resting")
        await self.until(lambda: told(self._journals) == self._truth(), "the journal tells what the venue holds")

    async def _end(self) -> None:
        assert self.keeper is not None
        code = await self.keeper.stop()
        assert code == 0, f"ended with {code}"
        assert self._resting() == set(), f"rest after the end: {self._resting()}"
        assert told(self._journals) == self._truth(), self._situation()
        self._compare_executions()
        assert (found := leaks(self.home)) == [], f"secrets in files: {found}"
        checked = asyncio.get_running_loop().run_in_executor(self._shared.checker, parities, self._journals)
        for report in await checked:
            assert report.equal, f"parity of {report.session}: {report.differing} differ, first {report.differences[0]}"

    def _compare_executions(self) -> None:
        """Both name the same executions, of the same size, price and fee; a venue that forgot names fewer."""
        ours, venues = executions(self._journals), self._executions()
        assert venues.items() <= ours.items(), f"not as journalled: {dict(venues.items() - ours.items())}"
        assert self._plan.forgets or ours.keys() == venues.keys(), f"never happened: {ours.keys() - venues.keys()}"

    def _executions(self) -> dict[int, tuple[int, Decimal, Decimal, Decimal]]:
        market = self._server.market
        tick, lot = (Decimal(text) for text in (market.config.tick_size, market.config.lot_size))
        return {
            trade.trade_id: (trade.side, trade.price * tick, trade.qty * lot, money(trade.commission_units * _UNIT))
            for trade in market.desk.trades
        }

    @property
    def _switch(self) -> KillSwitch:
        return KillSwitch(self._live)

    def _resting(self) -> set[str]:
        return {order.ticket.client_id for order in self._server.market.desk.open_orders()}

    def _truth(self) -> tuple[Decimal, Decimal]:
        base, quote = self._server.market.account.holdings()
        return money(base.total * _UNIT), money(quote.total * _UNIT)

    def _status(self) -> LiveStatus | None:
        """Return what the present process says of itself."""
        status = read_status(self._layout, self.venue.name, SYMBOL)
        return status if status is not None and self.keeper is not None and self.keeper.has(status.pid) else None

    def _quoting(self) -> bool:
        status = self._status()
        return status is not None and status.state == "quoting" and status.open_orders >= 1 and bool(self._resting())

    def _halted(self) -> bool:
        status = self._status()
        return status is not None and status.state == "halted" and not status.open_orders and not self._resting()

    def _situation(self) -> str:
        status = self._status()
        says = "nothing" if status is None else f"{status.state}, {status.open_orders} orders, {status.note!r}"
        held = told(self._journals) if journals(self._journals) else None
        return (
            f"the process says {says}; journal {held}, venue {self._truth()}; "
            f"resting {sorted(self._resting())}, journalled {sorted(sent(self._journals))}"
        )


@dataclass(frozen=True)
class Outcome:
    """What came of a schedule; `fault` is empty when everything held."""

    plan: Schedule
    fault: str
    seconds: float

    def __str__(self) -> str:
        """Return what failed and how to see it again."""
        return f"{self.plan}\n  after {self.seconds:.1f} s: {self.fault or 'everything holds'}"


async def run_schedules(
    plans: Sequence[Schedule],
    folder: Path,
    keeper: Callable[[Lab], Keeper] = ForkKeeper,
    tell: Callable[[Outcome], object] = lambda _: None,
) -> list[Outcome]:
    """Run schedules side by side, a new folder each, and return what came of each; `tell` hears of it at once."""
    room = asyncio.Semaphore(SIDE_BY_SIDE)
    with ProcessPoolExecutor(1, FORKS) as checker:
        await asyncio.wrap_future(checker.submit(os.getpid))  # whatever is forked from now on starts in a moment
        shared = Shared(checker=checker)

        async def one(plan: Schedule) -> Outcome:
            async with room:
                outcome = await _run_schedule(plan, folder / f"{plan.seed}", keeper, shared)
            tell(outcome)
            return outcome

        return await asyncio.gather(*(one(plan) for plan in plans))


async def _run_schedule(plan: Schedule, home: Path, keeper: Callable[[Lab], Keeper], shared: Shared) -> Outcome:
    begun, fault = time.monotonic(), ""
    fees = {"maker_fee_bps": plan.fee_bps, "taker_fee_bps": plan.fee_bps}
    config = PaperConfig.model_validate({"seed": plan.seed, "regime": "busy", **KEYS, **fees})
    async with running(config) as server:
        try:
            await Lab(plan, server, home, keeper, shared).run()
        except Exception as error:  # noqa: BLE001 (the other schedules go on; this is told by its plan)
            fault = f"{type(error).__name__}: {error}"
    return Outcome(plan, fault, time.monotonic() - begun)


def main() -> int:
    """Run the schedules of the seeds that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.lab", description=__doc__)
    parser.add_argument("seeds", nargs="+", type=int)
    parser.add_argument("--keep", type=Path, help="a new folder for journals and logs")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="microvol-faults-"))
    plans = [schedule(seed) for seed in dict.fromkeys(options.seeds)]
    outcomes = asyncio.run(run_schedules(plans, folder, tell=lambda outcome: sys.stdout.write(f"{outcome}\n")))
    failed = sum(bool(outcome.fault) for outcome in outcomes)
    sys.stdout.write(f"{len(outcomes)} schedules, {failed} failed; journals and logs in {folder}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
