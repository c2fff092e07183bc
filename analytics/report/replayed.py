"""One finished replay: its figures, and its files in a folder that other tools read."""

import dataclasses
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import polars as pl

from analytics.metrics.activity import Activity, of_replay
from analytics.metrics.figures import Metrics, measure
from analytics.metrics.markout import MidPath, mid_path
from analytics.report import plots
from analytics.report.replay_figure import replay_figure
from analytics.report.replay_tables import tables
from analytics.tape.latencies import RoundTrips
from strategy.errors import BadInput, Failed
from strategy.kernel.jit import KERNEL_DIGEST
from strategy.policies.document import write_atomically
from strategy.policies.parameters import ParameterSet
from strategy.replay.driver import ReplayConfig, ReplayResult
from strategy.replay.latency import Latencies
from strategy.replay.tape import Tape, TapeInfo

PLOT: Final = "replay.png"
SUMMARY: Final = "replay.json"


@dataclass(frozen=True)
class Replayed:
    """What was replayed and what came of it."""

    title: str
    parameters: ParameterSet
    config: ReplayConfig
    tape: Tape
    info: TapeInfo
    result: ReplayResult
    round_trips: RoundTrips | None = None  # what the latencies were drawn from

    @property
    def window(self) -> tuple[int, int]:
        """Return the first and last ns that were replayed: the config's window as far as the tape goes."""
        start, end = self.config.start_ns, self.config.end_ns
        first = self.info.start_ns if start is None else max(start, self.info.start_ns)
        return first, max(first, self.info.end_ns if end is None else min(end - 1, self.info.end_ns))

    @cached_property
    def activity(self) -> Activity:
        """Return what the strategy did."""
        return of_replay(self.result, *self.window)

    @cached_property
    def path(self) -> MidPath:
        """Return the mid over the whole tape, so that markouts know what came after the window."""
        return mid_path(self.tape)

    @cached_property
    def metrics(self) -> Metrics:
        """Return the figures, and where latencies were recorded theirs among the overall ones."""
        found = measure([self.activity], self.path, self.info)
        trips = self.round_trips
        return found if trips is None else dataclasses.replace(found, overall=found.overall | trips.figures)


def write_replay(done: Replayed, folder: Path) -> dict[str, int | None]:
    """Write tables, plot and summary into a folder, each in one step; return rows by file name, None = no table."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file, a folder is wanted")
    found = tables(done.result, done.info)
    files = {f"{name}.parquet": _parquet(table, done) for name, table in found.items()}
    files |= {PLOT: plots.png(_figure(done)), SUMMARY: _summary(done)}
    try:
        for name, data in files.items():
            write_atomically(folder / name, data)
    except OSError as error:
        raise Failed(f"{folder} cannot be written: {error.strerror or error}") from error
    rows = {f"{name}.parquet": len(table) for name, table in found.items()}
    return {name: rows.get(name) for name in files}


def _parquet(table: pl.DataFrame, done: Replayed) -> bytes:
    """Return a table as Parquet whose own metadata says what it is of."""
    info = done.info
    names = ("venue", "symbol", "tick_size", "lot_size", "fingerprint")
    about = {name: str(getattr(info, name)) for name in names} | {"replay": done.title, "times": "UTC, ns"}
    buffer = io.BytesIO()
    table.write_parquet(buffer, metadata=about)
    return buffer.getvalue()


def _figure(done: Replayed) -> Any:
    figures = done.metrics.overall
    currency = done.info.symbol.split(":")[0].split("/")[1]
    earned = f"{figures['fills']:.0f} fills, {figures['excess_pnl_quote']:+.4g} {currency} above holding"
    return replay_figure(f"{done.title}: {earned}", done.activity, done.path.between(*done.window), done.info)


def _summary(done: Replayed) -> bytes:
    """Return as JSON everything that is needed to run the replay again, and what came of it."""
    metrics = {"all": done.metrics.overall} | done.metrics.regimes
    content = {
        "title": done.title,
        "window_ns": done.window,
        "tape": done.info._asdict(),
        "kernel_digest": KERNEL_DIGEST,
        "config": dataclasses.asdict(done.config),
        "round_trips": None if done.round_trips is None else done.round_trips.told(),
        "parameters": done.parameters.model_dump(mode="json"),
        "counters": done.result.counters,
        "metrics": {regime: {name: float(value) for name, value in each.items()} for regime, each in metrics.items()},
    }
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    return orjson.dumps(content, option=option, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Latencies):
        return value._asdict()
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
