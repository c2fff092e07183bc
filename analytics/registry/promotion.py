"""How a version becomes champion: ask its gates, move the alias, wait for the live process, or put everything back.

A gate that was not passed blocks a promotion, unless somebody overrides it with a reason, which the audit keeps. A
rollback asks no gate: the way back is always open.
"""

import getpass
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from analytics.gates.verdicts import failed
from strategy.errors import BadInput, Failed
from strategy.policies.document import ParameterDocument

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
PREVIOUS: Final = "previous"

Acknowledge = Callable[[ParameterDocument], str]
Audit = Callable[[dict[str, Any]], None]


class Aliases(Protocol):
    """What a promotion needs of the registry."""

    def exclusive(self, venue: str, symbol: str) -> AbstractContextManager[None]:
        """Keep every other process from moving the symbol's aliases."""
        ...

    def aliases(self, venue: str, symbol: str) -> dict[str, int]:
        """Return version by alias."""
        ...

    def document(self, venue: str, symbol: str, version: int) -> ParameterDocument:
        """Return one version's document."""
        ...

    def point(self, venue: str, symbol: str, alias: str, version: int | None) -> None:
        """Point an alias at a version, or remove it."""
        ...

    def tag(self, venue: str, symbol: str, version: int, tags: dict[str, str]) -> None:
        """Set tags of a version."""
        ...


@dataclass(frozen=True, slots=True)
class Move:
    """One wanted move of the champion alias; `acknowledge` waits for the live process and returns what it said.

    `override` is why gates that were not passed may be passed over; with `require_all` those that had nothing to judge
    by are in the way too.
    """

    venue: str
    symbol: str
    what: Literal["promote", "rollback"]
    reason: str
    who: str | None
    acknowledge: Acknowledge
    audit: Audit
    override: str | None = None
    require_all: bool = False

    @property
    def by(self) -> str:
        """Return who asks for it, by default the user of this process."""
        return self.who or user()


@dataclass(frozen=True, slots=True)
class Promotion:
    """What a promotion or rollback did; `changed` is false when the version already was champion."""

    venue: str
    symbol: str
    what: str
    from_version: int | None
    to_version: int
    outcome: str
    changed: bool
    overridden: tuple[str, ...] = ()  # a line for each gate that was passed over


def user() -> str:
    """Return the name of this process's user, its number where the machine knows no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def move_champion(registry: Aliases, move: Move, version: int | None) -> Promotion:
    """Make `version` champion (default: the challenger, or previous for a rollback) once the live process took it."""
    if not move.reason.strip():
        raise BadInput("reason was empty, a promotion or rollback needs one")
    if move.override is not None and not move.override.strip():
        raise BadInput("override was empty, passing over a gate needs a reason")
    with registry.exclusive(move.venue, move.symbol):
        before = registry.aliases(move.venue, move.symbol)
        source = CHALLENGER if move.what == "promote" else PREVIOUS
        target = before.get(source) if version is None else version
        if target is None:
            raise BadInput(f"{move.venue} {move.symbol} has no {source} version to {move.what}")
        document = registry.document(move.venue, move.symbol, target)
        overridden = () if before.get(CHAMPION) == target else _past_gates(move, before, document)
        try:
            outcome = _switch(registry, move, before, document)
        except BaseException as error:
            # A person's Ctrl-C while waiting is a refusal too: nothing may stay half promoted.
            _put_back(registry, move, before, target)
            _record(move, "refused", before.get(CHAMPION), target, str(error) or type(error).__name__)
            raise
        done = _done(move, before.get(CHAMPION), target, outcome, overridden)
        _finish(registry, move, before, done)
        return done


def _past_gates(move: Move, before: dict[str, int], document: ParameterDocument) -> tuple[str, ...]:
    """Return the gates that are passed over; a promotion that none may pass over is refused, and audited."""
    if move.what != "promote":
        return ()
    blocking = tuple(failed(document, move.require_all))
    if blocking and move.override is None:
        said = f"version {document.version} is blocked by"
        _record(move, "refused", before.get(CHAMPION), document.version, f"{said} {'; '.join(blocking)}")
        more = f" and {len(blocking) - 1} more" if len(blocking) > 1 else ""
        ways = f'microvol versions --version {document.version} shows all; --override "why" promotes all the same'
        raise Failed(f"{move.symbol}: {said} {blocking[0]}{more} ({ways})")
    return blocking


def _switch(registry: Aliases, move: Move, before: dict[str, int], document: ParameterDocument) -> str:
    """Move the aliases, wait, and compare: one who does not take the lock may have moved them in between."""
    target = document.version
    if before.get(CHAMPION) != target:
        registry.point(move.venue, move.symbol, PREVIOUS, before.get(CHAMPION))
        registry.point(move.venue, move.symbol, CHAMPION, target)
    outcome = move.acknowledge(document)
    now = registry.aliases(move.venue, move.symbol).get(CHAMPION)
    if now != target:
        raise Failed(f"{move.symbol}: champion became version {now} while version {target} was being promoted")
    return outcome


def _put_back(registry: Aliases, move: Move, before: dict[str, int], target: int) -> None:
    """Undo the aliases, unless another already moved the champion on."""
    now = registry.aliases(move.venue, move.symbol).get(CHAMPION)
    if now in (target, before.get(CHAMPION)):
        registry.point(move.venue, move.symbol, CHAMPION, before.get(CHAMPION))
        registry.point(move.venue, move.symbol, PREVIOUS, before.get(PREVIOUS))


def _done(move: Move, champion: int | None, target: int, outcome: str, overridden: tuple[str, ...]) -> Promotion:
    changed = champion != target
    said = outcome if changed else f"already champion; {outcome}"
    if overridden:
        names = ", ".join(line.partition(":")[0].removeprefix("gate ") for line in overridden)
        said += f"; passed over ({move.override}): {names}"
    return Promotion(move.venue, move.symbol, move.what, champion, target, said, changed, overridden)


def _finish(registry: Aliases, move: Move, before: dict[str, int], done: Promotion) -> None:
    _record(move, move.what, done.from_version, done.to_version, done.outcome, done.overridden)
    tags = {
        "moved": move.what,
        "moved_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "moved_by": move.by,
        "moved_why": move.reason,
        "moved_from": str(done.from_version or ""),
        "moved_outcome": done.outcome,
        "moved_override": (move.override or "") if done.overridden else "",
    }
    registry.tag(move.venue, move.symbol, done.to_version, tags)
    if before.get(CHALLENGER) == done.to_version:
        registry.point(move.venue, move.symbol, CHALLENGER, None)


def _record(
    move: Move,
    what: str,
    from_version: int | None,
    to_version: int,
    outcome: str,
    overridden: tuple[str, ...] = (),
) -> None:
    told: dict[str, Any] = {"who": move.by, "reason": move.reason, "outcome": outcome}
    if move.override is not None:
        told |= {"override": move.override, "gates": list(overridden)}
    versions = {"from_version": from_version, "to_version": to_version}
    move.audit({"venue": move.venue, "symbol": move.symbol, "what": what} | versions | told)
