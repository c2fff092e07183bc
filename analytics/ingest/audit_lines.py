"""The audit's files: how far the lake has taken each of them in, and the rows that still wait."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from analytics.ingest.intake import Done, Source
from analytics.ingest.journal_rows import AUDIT_SCHEMA, audit_row
from analytics.ingest.segment_files import streams
from analytics.lake.store import Lake
from strategy.errors import BadData
from strategy.live.layout import Layout
from strategy.venues.collector import CollectorFile

_AUDIT: Final = "audit"


def audit_files(layout: Layout) -> Iterator[tuple[Source, Path]]:
    """Yield the audit's files with their names in the lake's segment table."""
    for name, path in streams(layout.audit):
        yield Source(_AUDIT, "", f"{_AUDIT}:{name}"), path


def waiting(lake: Lake, layout: Layout) -> pl.DataFrame:
    """Return the audit's lines that no ingest has taken in, as rows of `parameter_event`.

    A malformed one is left out: ingest tells of it.
    """
    frames = [pl.DataFrame(schema=AUDIT_SCHEMA)]
    for source, path in audit_files(layout):
        done = Done.read(lake, source)
        for line in CollectorFile(path, done.offset, done.lines):
            try:
                frames.append(audit_row(line).select(*AUDIT_SCHEMA))
            except BadData:
                continue
    return pl.concat(frames)
