"""The demo's last table: what came of it, in figures, and where to look."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from flows import console, rooms
from flows.settings import ROOT, Settings, config_file
from strategy.live.doors import LiveStatus


@dataclass(slots=True)
class Story:
    """What the demo itself saw while it ran."""

    day: date = field(default_factory=lambda: datetime.now(UTC).date())
    promote_seconds: float = 0.0
    rollback_seconds: float = 0.0
    last: LiveStatus | None = None


def show(settings: Settings, story: Story, seconds: float) -> None:
    """Print the table and how to look around afterwards."""
    rows = [*_market(settings), *_versions(settings), *_session(settings, story)]
    console.table(f"the whole loop in {seconds:.0f} s", ("what", "figure", "where to look"), rows)
    console.line(
        f"\nto look around: export MICROVOL_CONFIG={_short(config_file())}, then microvol up, versions, status …"
    )


def _market(settings: Settings) -> Iterator[tuple[str, str, str]]:
    from analytics.care.coverage import coverage

    with rooms.lake(settings, read_only=True) as lake:
        for row in coverage(lake).iter_rows(named=True):
            hours = (row["last_ns"] - row["first_ns"]) / 3600e9
            counts = f"{row['updates']:,} updates, {row['trades']:,} trades, {row['gaps']} gaps in {hours:.2f} h"
            yield f"market of {row['symbol']}", counts, "microvol coverage"
    yield "raw segments", _size(settings.home / "segments"), _short(settings.home / "segments")


def _versions(settings: Settings) -> Iterator[tuple[str, str, str]]:
    for row in rooms.registry(settings).versions(settings.venue, settings.symbol).sort("version").iter_rows(named=True):
        edge = "unknown" if row["edge_bps"] is None else f"{row['edge_bps']:+.2f} bps"
        alias = f" ({row['aliases']})" if row["aliases"] else ""
        yield f"version {row['version']}{alias}", f"edge held out {edge}, gates {row['gates']}", "microvol versions"


def _session(settings: Settings, story: Story) -> Iterator[tuple[str, str, str]]:
    yield "promotion while quoting", f"acknowledged, {story.promote_seconds:.1f} s", _short(settings.layout.audit)
    yield "rollback while quoting", f"acknowledged, {story.rollback_seconds:.1f} s", _short(settings.layout.audit)
    if story.last is not None:
        events = f"{story.last.events:,} events, {story.last.fills} fills, {story.last.open_orders} orders left open"
        yield "live session", events, _short(settings.layout.journal(settings.venue, settings.symbol))
    yield "parity", "every decision equal, field by field", "microvol parity"
    for page in sorted((settings.home / "report").rglob("*.html")):
        yield "report", f"{page.stat().st_size / 1024:.0f} kB", _short(page)


def _size(folder: Path) -> str:
    sizes = [path.stat().st_size for path in folder.rglob("*.log*")]
    return f"{sum(sizes) / 2**20:.1f} MB in {len(sizes)} files"


def _short(path: Path) -> Any:
    """Return a path as one would type it from the checkout."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
