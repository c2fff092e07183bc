"""Seeded schedules of what goes wrong while a process quotes: each is the same on every machine, and prints itself."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from strategy.venues.paper.faults.menu import Fault, read_fault

# What befalls the quoting process and its supervisor; everything else is a fault of the venue.
PROCESS_FAULTS: Final = ("kill process", "term process", "kill both", "term both", "kill supervisor")
FORKED: Final = PROCESS_FAULTS[:-1]  # a forked process has no supervisor that it could miss
LASTS_SECONDS: Final = 3.0
_MOST_STEPS: Final = 6


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that goes wrong, so many seconds after quoting began; `fields` are a fault's of the paper venue."""

    at_s: float
    what: str
    fields: tuple[tuple[str, Any], ...] = ()

    @property
    def fault(self) -> Fault:
        """Return the venue's fault that this is; BadInput when it is a process's."""
        return read_fault({"what": self.what, **dict(self.fields)})

    @property
    def of_process(self) -> bool:
        """Say whether it befalls our own processes."""
        return self.what in PROCESS_FAULTS

    def __str__(self) -> str:
        """Return one line for a person."""
        return " ".join([f"{self.at_s:5.2f} s", self.what, *(f"{name}={value}" for name, value in self.fields)])


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that happens to one session."""

    seed: int
    fee_bps: str
    steps: tuple[Step, ...]

    @property
    def forgets(self) -> bool:
        """Say whether the venue forgets executions: then books may differ, and quoting stops for that reason."""
        return any(dict(step.fields).get("memory", "all") != "all" for step in self.steps)

    def __str__(self) -> str:
        """Return all of it for a person, and how to see it again."""
        head = f"schedule {self.seed}, fees {self.fee_bps} bps; again: python -m tests.faults.lab {self.seed}"
        return "\n".join([head, *(f"  {step}" for step in self.steps)])


def schedule(seed: int) -> Schedule:
    """Draw a schedule of a few seconds."""
    draws = random.Random(f"schedule {seed}")
    fee_bps = draws.choice(("0", "0", "7.5"))
    return Schedule(seed, fee_bps, steps(draws, draws.randint(2, _MOST_STEPS), LASTS_SECONDS, FORKED))


def long_schedule(seed: int, seconds: float, every_s: float, processes: Sequence[str]) -> Schedule:
    """Draw a schedule of many faults at a venue that forgets nothing."""
    draws = random.Random(f"long schedule {seed}")
    return Schedule(seed, "7.5", steps(draws, int(seconds / every_s), seconds, processes, forgetful=False))


def steps(
    draws: random.Random, number: int, lasts_s: float, processes: Sequence[str], forgetful: bool = True
) -> tuple[Step, ...]:
    """Draw what goes wrong within so many seconds, with these of the process's faults or none."""
    kinds = {kind: weight for kind, weight in KINDS.items() if processes or kind is not _process}
    found = []
    for kind in draws.choices(list(kinds), list(kinds.values()), k=number):
        what, fields = kind(draws)
        if kind is _process:
            what = draws.choice(processes)
        elif what == "restart" and not forgetful:
            fields["memory"] = "all"
        found.append(Step(round(draws.uniform(0.0, lasts_s), 2), what, tuple(fields.items())))
    return tuple(sorted(found, key=lambda step: step.at_s))


Drawn = tuple[str, dict[str, Any]]


def _hang_up(draws: random.Random) -> Drawn:
    return draws.choice(("close", "abort")), {"on": draws.choice(("market", "user", "api", "all"))}


def _lose_market(draws: random.Random) -> Drawn:
    stream = draws.choice(("depth", "depth", "trade", "bookTicker"))
    if draws.random() < 0.5:
        return "skip", {"stream": stream, "count": draws.randint(1, 5)}
    return "mute", {"stream": stream, "seconds": round(draws.uniform(0.2, 2.0), 2)}


def _lose_events(draws: random.Random) -> Drawn:
    return "deaf", {"seconds": round(draws.uniform(0.2, 2.0), 2)}


def _mix_events(draws: random.Random) -> Drawn:
    what = draws.choice(("event-delay", "event-duplicate", "event-reorder"))
    late = {"seconds": round(draws.uniform(0.1, 1.0), 2)} if what == "event-delay" else {}
    return what, {**late, "count": draws.randint(1, 6)}


def _refuse(draws: random.Random) -> Drawn:
    code = draws.choice((-1007, -1007, -1021, -2010, -2011, -2013))
    return "error", {"code": code, "count": draws.randint(1, 4), "after": draws.random() < 0.5}


def _limit(draws: random.Random) -> Drawn:
    code = draws.choice((429, 418, -1003))
    length = {"seconds": draws.choice((1, 2))} if code == 418 else {}
    return "error", {"code": code, "on": draws.choice(("any", "place", "cancel", "signed")), **length}


def _break_replies(draws: random.Random) -> Drawn:
    on, after = draws.choice(("any", "signed", "place", "cancel", "order")), draws.random() < 0.5
    reply = {"on": on, "after": after, "count": draws.randint(1, 4)}
    match draws.choice(("error", "html", "cut", "delay")):
        case "error":
            return "error", {"code": draws.choice((500, 502, 503, 504)), **reply}
        case "html":
            return "html", {"status": draws.choice((200, 403, 502)), **reply}
        case "delay":
            return "delay", {"seconds": round(draws.uniform(0.1, 2.0), 2), **reply}
        case _:
            return "cut", reply


def _skew(draws: random.Random) -> Drawn:
    return "skew", {"ms": draws.choice((-20_000, -3_000, -600, 400, 1_500, 8_000))}


def _restart(draws: random.Random) -> Drawn:
    memory = draws.choice(("all", "all", "all", "money", "nothing"))
    return "restart", {"memory": memory, "seconds": round(draws.uniform(0.0, 1.0), 2)}


def _process(draws: random.Random) -> Drawn:
    return "process", {}  # which of them, the caller draws


KINDS: Final[dict[Callable[[random.Random], Drawn], int]] = {
    _hang_up: 4,
    _lose_market: 3,
    _lose_events: 2,
    _mix_events: 3,
    _refuse: 4,
    _limit: 1,
    _break_replies: 4,
    _skew: 1,
    _restart: 1,
    _process: 3,
}
