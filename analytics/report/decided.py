"""Were live decisions those that the program makes of the same events: the journals of a day's sessions, checked."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from analytics.report.difference import Decided
from analytics.report.sessions import Stretch
from strategy.errors import MicrovolError
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.live.journal import read_journal
from strategy.live.parity import ParityReport, check
from strategy.live.segment import SUFFIX

Checked = ParityReport | str  # or why nothing is known of a session


def check_sessions(folder: Path, sessions: Iterable[str]) -> dict[str, Checked]:
    """Make every decision of some sessions once more from their journals in a folder, each from its beginning."""
    return {session: _checked(folder, session) for session in sorted(set(sessions))}


def decided(stretches: Iterable[Stretch], checked: Mapping[str, Checked]) -> Decided:
    """Add up the sessions in which one version was live; a session of several versions counts for each of them."""
    found = [checked[session] for session in sorted({stretch.session for stretch in stretches})]
    reports = [each for each in found if isinstance(each, ParityReport)]
    return Decided(
        decisions=sum(each.decisions for each in reports),
        differing=sum(each.differing for each in reports),
        unchecked=tuple(each for each in found if isinstance(each, str)),
    )


def _checked(folder: Path, session: str) -> Checked:
    """Check one session; one that another build of the program quoted proves nothing by coming out otherwise."""
    held = [path for path in (folder / f"{session}{SUFFIX}", folder / f"{session}{SUFFIX}.zst") if path.exists()]
    if not held:
        return f"session {session} has no journal in {folder}"
    try:
        kernel = str(next(read_journal(held[0])).body.get("kernel_digest", ""))
        found = check(held[0])
    except (MicrovolError, ValueError, OSError, StopIteration) as error:
        return f"the journal of session {session} cannot be replayed: {str(error) or 'it is empty'}"
    if not found.equal and kernel != KERNEL_DIGEST:
        return f"session {session} was quoted by kernel {kernel[:12]}, this one is {KERNEL_DIGEST[:12]}"
    return found
