"""Replays: parameter sets over one tape, by whichever driver suits. Both give the same results, bit for bit."""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

from strategy.errors import BadInput
from strategy.policies.parameters import ParameterSet
from strategy.replay.batch import is_compiled, skip_many
from strategy.replay.index import Index
from strategy.replay.reference import walk
from strategy.replay.run import ReplayConfig, ReplayResult, instrument_of
from strategy.replay.tape import Tape, TapeInfo

__all__ = ["ReplayConfig", "ReplayResult", "instrument_of", "replay", "replay_many"]

WORTH: Final = 2_000_000  # events from which on skipping them pays for building the index
WORTH_COMPILING: Final = 60_000_000  # ... and for compiling the skip loop, where that has not been done yet

_log: Final = logging.getLogger("microvol.replay")
_told: Final[set[str]] = set()


def replay(
    tape: Tape, info: TapeInfo, parameters: ParameterSet, config: ReplayConfig, index: Index | None = None
) -> ReplayResult:
    """Run one parameter set over a tape; the same arguments give the same result, bit for bit.

    `index` is the tape's, where it is at hand; else it is built when first asked for and kept as long as the tape.
    """
    return next(replay_many(tape, info, [parameters], config, index=index))


def replay_many(
    tape: Tape,
    info: TapeInfo,
    sets: Sequence[ParameterSet],
    config: ReplayConfig,
    workers: int = 1,
    index: Index | None = None,
) -> Iterator[ReplayResult]:
    """Yield the results of many parameter sets in their order, each as if it ran alone.

    `workers` threads share the sets that can skip. Results are worked out a few at a time, so that those which are not
    kept cost no memory.
    """
    skipping = [skips(tape, parameters, config, len(sets), index is not None) for parameters in sets]
    quick = skip_many(
        tape, info, [each for each, can in zip(sets, skipping, strict=True) if can], config, workers, index
    )
    for parameters, can in zip(sets, skipping, strict=True):
        yield next(quick) if can else walk(tape, info, parameters, config)


def skips(tape: Tape, parameters: ParameterSet, config: ReplayConfig, sets: int = 1, indexed: bool = False) -> bool:
    """Return whether the skip driver is to replay a set, one of so many; tells once of each policy that prevents it.

    Where the tape is `indexed` already, skipping its events pays from the first one on.
    """
    events = sets * (len(tape.update_exch) + len(tape.trade_exch))
    worth = indexed or events >= WORTH
    if config.driver == "reference":
        return False
    if config.driver == "auto" and events < WORTH_COMPILING and not (worth and is_compiled(parameters)):
        return False
    walked = sorted(unskippable(parameters))
    if config.driver == "skip" and (walked or config.record_events):
        what = f"policy {walked[0]!r} does not promise to skip" if walked else "it does not see the events to record"
        raise BadInput(f"driver was 'skip', but {what}")
    for name in set(walked) - _told:
        _log.warning("policy %r does not promise to skip: its replays walk every event", name)
        _told.add(name)
    return not walked and not config.record_events


def unskippable(parameters: ParameterSet) -> set[str]:
    """Return the policies of a set that do not promise what the skip driver relies on."""
    return {each.name for each in parameters.policies() if each.kind != "volatility" and not each.skips}
