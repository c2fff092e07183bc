"""The checklist before quoting: each check is one function that returns what it saw or raises what is wrong."""

import shutil
import time
from collections.abc import Callable
from typing import Final

import httpx

from flows import kill_switch, rooms
from flows.doctor_venue import Notice, VenueChecks
from flows.platform import answers, prefect_answers
from flows.settings import Settings
from flows.status_quoting import Line, ago
from strategy.errors import Failed, MicrovolError
from strategy.live.kill_switch import HALT_FILE
from strategy.policies.document import ParameterDocument
from strategy.venues.settings import PAPER_LIVE

GOOD: Final = "good"
FAILED: Final = "failed"
NOTE: Final = "note"
CLOCK_LIMIT_MS: Final = 1_000.0  # the venue refuses a signed request that is further off (recvWindow)
DISK_LIMIT: Final = 2 << 30
OF_ACCOUNTS: Final = ("key", "fees", "balances")


def examine(settings: Settings) -> list[Line]:
    """Run every check; none hides another."""
    venue = VenueChecks(settings)
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("disk", lambda: disk(settings)),
        ("lake", lambda: lake(settings)),
        ("venue", lambda: reachable(settings)),
        ("clock", lambda: clock(settings)),
        ("key", venue.key),
        ("fees", venue.fees),
        ("filters", venue.filters),
        ("balances", lambda: venue.balances(_champion(settings))),
        ("champion", lambda: champion(settings)),
        ("switches", lambda: switches(settings)),
        ("mlflow", lambda: mlflow(settings)),
        ("prefect", lambda: prefect(settings)),
    )
    skipped = OF_ACCOUNTS if settings.venue == PAPER_LIVE else ()  # it has neither a key nor an account at a venue
    return [_line(name, check) for name, check in checks if name not in skipped]


def _line(name: str, check: Callable[[], str]) -> Line:
    try:
        return Line(name, GOOD, check())
    except Notice as notice:
        return Line(name, NOTE, str(notice))
    except MicrovolError as error:
        return Line(name, FAILED, str(error))


def disk(settings: Settings) -> str:
    """Check that the home's disk has room for a day of recording."""
    settings.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.home).free
    if free < DISK_LIMIT:
        raise Failed(f"{free / 2**30:.1f} GB free at {settings.home}, at least {DISK_LIMIT >> 30} are needed")
    return f"{free / 2**30:.0f} GB free at {settings.home}"


def lake(settings: Settings) -> str:
    """Check that the lake opens and its schema is this program's."""
    with rooms.lake(settings) as opened:
        return f"schema up to date, snapshot {opened.snapshot_id()}"


def reachable(settings: Settings) -> str:
    """Check that the venue's REST address answers."""
    return f"{_rest(settings)} answers in {_server_time(settings)[1]:.0f} ms"


def clock(settings: Settings) -> str:
    """Check that our clock is near the venue's."""
    offset, round_trip = _server_time(settings)
    if abs(offset) > CLOCK_LIMIT_MS:
        raise Failed(f"our clock is {offset:.0f} ms off the venue's, at most {CLOCK_LIMIT_MS:.0f} are allowed")
    return f"{offset:+.0f} ms from the venue's, ± {round_trip / 2:.0f} ms"


def champion(settings: Settings) -> str:
    """Check that there is a version to quote with, made by this kernel."""
    document = _champion(settings)
    if document is None:
        raise Notice("no champion yet: calibrate and promote first")
    from strategy.kernel.jit import KERNEL_DIGEST

    if document.kernel_digest != KERNEL_DIGEST:
        raise Notice(
            f"version {document.version} was calibrated with kernel {document.kernel_digest[:12]}, not this one"
        )
    return f"version {document.version}"


def _champion(settings: Settings) -> ParameterDocument | None:
    return rooms.registry(settings).champion(settings.venue, settings.symbol)


def switches(settings: Settings) -> str:
    """Check that neither the kill switch nor a pause keeps a quoting process out."""
    kill = kill_switch.found(settings)
    if kill is not None:
        raise Failed(f"killed {ago(kill.at_ns)}, {kill}; `microvol rearm` when it may quote again")
    halt = settings.layout.live(settings.venue, settings.symbol) / HALT_FILE
    if halt.exists():
        raise Notice(f"halted while {halt} lies there")
    return "kill switch armed, no halt"


def mlflow(settings: Settings) -> str:
    """Say whether the MLflow server answers; without it the database under home is used."""
    if not answers(f"{settings.mlflow_url}/health"):
        raise Notice(f"no server at {settings.mlflow_url}; its database is used directly")
    return settings.mlflow_url


def prefect(settings: Settings) -> str:
    """Say whether the Prefect server answers; without it flows run unrecorded and nothing is scheduled."""
    if not prefect_answers(settings):
        raise Notice(f"no server at {settings.prefect_url}; nothing is scheduled")
    return settings.prefect_url


def _rest(settings: Settings) -> str:
    url = settings.venue_table(settings.venue).rest_url
    if url is None:
        raise Failed(f"venue {settings.venue} has no rest_url in the settings")
    return url


def _server_time(settings: Settings) -> tuple[float, float]:
    """Return our clock minus the venue's and the round trip, ms, the venue's stamp put in the middle of the trip."""
    url = f"{_rest(settings)}/{'fapi/v1' if ':' in settings.symbol else 'api/v3'}/time"
    before = time.time()
    try:
        reply = httpx.get(url, timeout=5, trust_env=False)
        stamp = float(reply.raise_for_status().json()["serverTime"])
    except (httpx.HTTPError, KeyError, ValueError) as error:
        raise Failed(f"{url} does not answer: {error}") from error
    after = time.time()
    return (before + after) / 2 * 1e3 - stamp, (after - before) * 1e3
